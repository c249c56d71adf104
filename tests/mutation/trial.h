// Builds the tests on a mutated copy of the tree and runs them.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/mutation/mutant_list.h"

namespace corank::mutation {

enum class Fate { kKilled, kSurvived, kInvalid };

struct Outcome {
  Fate fate = Fate::kSurvived;
  std::string by;    // the bench that killed it, or whose build failed
  std::string note;  // how: "failed", "time limit", "signal 6"
};

class TrialTree {
 public:
  /// Copies the tree to `work`/tree and configures a build of it beside: little optimisation,
  /// because a mutant is built once and run once; lint is no error, because a mutant may leave a
  /// signal unused. Throws MachineError if a tool fails.
  TrialTree(const std::filesystem::path& source, std::filesystem::path work);

  /// Builds and runs the bench as it is; MachineError if it is red. Once a bench.
  void check_green(const Bench& bench);

  /// Builds and runs the module's benches in turn until one is red.
  Outcome try_mutant(const MutantList& list, const Mutant& mutant);

 private:
  bool build(const Bench& bench) const;
  std::string run(const Bench& bench) const;  // "" if green

  std::filesystem::path work_, tree_, build_;
  std::map<std::string, bool> green_;
};

}  // namespace corank::mutation
