// The commands that wait in front of a unit (rtl/command/command_queue.sv).
#pragma once

#include "sim/cycle/ring.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// A command pushed in cycle t is seen from t + 1 on; so is the place of one that is popped.
class CommandQueue {
 public:
  explicit CommandQueue(int depth) : commands_(static_cast<std::size_t>(depth)) {}

  bool ready() const { return !commands_.full(); }
  bool empty() const { return commands_.empty(); }
  std::uint32_t count() const { return static_cast<std::uint32_t>(commands_.size()); }
  const QueuedCommand& oldest() const { return commands_.front(); }

  bool tokens_there(std::uint32_t available) const {
    return (oldest().wait_tokens() & ~available) == 0;
  }
  /// The oldest command lacks tokens.
  bool waiting(std::uint32_t available) const { return !empty() && !tokens_there(available); }

  void push(const QueuedCommand& command) { commands_.push(command); }
  void pop() { commands_.pop(); }
  void reset() { commands_.reset(); }

 private:
  Ring<QueuedCommand> commands_;
};

}  // namespace corank::cycle_model
