// `corank sweep` on the command line.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace CLI {
class App;
}

namespace corank {

/// What a command says on the standard output, and its exit code.
struct SweepOutcome {
  std::string text;
  int code = 0;
};

class SweepCommand {
 public:
  /// Adds the command to the program's.
  explicit SweepCommand(CLI::App& program);
  ~SweepCommand();
  SweepCommand(const SweepCommand&) = delete;
  SweepCommand& operator=(const SweepCommand&) = delete;

  /// Whether the command line has it.
  bool given() const;
  /// Does what the command line says. Exit code 1: an exact run was below a bound.
  SweepOutcome run() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace corank
