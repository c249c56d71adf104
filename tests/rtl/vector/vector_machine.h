// The verilated vector unit between two local memories, written in C++ or the accelerator's own,
// one clock cycle at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tests/rtl/vector/vector_model.h"

namespace corank::vector_test {

struct QueuedCommand {
  std::uint32_t index = 0;
  interface::VectorCommand command;
};

/// What the unit is given in a cycle.
struct Stimulus {
  std::optional<QueuedCommand> command;
  bool stop = false;
};

struct Completion {
  std::uint32_t index, signal_tokens;
};

struct Fault {
  std::uint32_t cause;
  std::uint64_t address;
};

struct Event {
  interface::Counter counter;
  std::int64_t elements;
};

struct Access {
  bool accumulator, transposed;
  std::int64_t line, column, count;
};

/// What the unit shows in a cycle.
struct Cycle {
  bool ready = false, idle = false;
  std::uint32_t activity = 0, current_index = 0;
  std::optional<Completion> completion;
  std::optional<Fault> fault;
  std::optional<Access> read, write;
  std::optional<Event> event;
};

class VectorMachine {
 public:
  virtual ~VectorMachine() = default;

  virtual Shape shape() const = 0;
  /// Lines of each of the two memories.
  std::int64_t lines() const { return 1024; }
  /// What the memories hold now; a change takes effect before the next step. Not while a command is
  /// executed. The reference stays valid, but only the next call brings it up to date.
  virtual LocalMemories& memories() = 0;

  /// Holds the reset for two cycles. Memories keep what they hold.
  virtual void reset() = 0;
  /// One clock cycle. An access that is not within the memories throws std::out_of_range.
  virtual Cycle step(const Stimulus& stimulus) = 0;
  /// Writes instructions from `index` on, in beats of the bus width; what a last beat has too much
  /// is filled with instructions that have no meaning.
  virtual void write_program(std::uint32_t index, const std::vector<std::uint64_t>& words) = 0;
};

/// One machine of each shape that is tested, and one with the accelerator's own memories.
std::vector<std::unique_ptr<VectorMachine>> machines();

}  // namespace corank::vector_test
