// The commands that wait in front of a unit (rtl/command/command_queues.sv).
#pragma once

#include "sim/cycle/ring.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

/// The oldest command is at hand, or on its way there from the memory of the queues, or waits in it
/// until the read port is free. A command pushed in cycle t is fetched from t + 1 on; one that was
/// fetched in t is at hand from t + 2 on; of one that is popped in t the place is free, and the
/// next one is fetched, from t + 1 on.
class CommandQueue {
 public:
  explicit CommandQueue(int depth) : commands_(static_cast<std::size_t>(depth)) {}

  bool ready() const { return !commands_.full(); }
  bool empty() const { return commands_.empty(); }
  bool held() const { return held_; }
  /// Whether there is a command to fetch.
  bool wants() const { return !empty() && !held_ && !fetching_; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(commands_.size()); }
  const QueuedCommand& oldest() const { return commands_.front(); }

  bool tokens_there(std::uint32_t available) const {
    return (oldest().wait_tokens() & ~available) == 0;
  }
  /// The oldest command lacks tokens.
  bool waiting(std::uint32_t available) const { return held_ && !tokens_there(available); }

  /// The end of a cycle: `fetches` where the queue wanted to and the port was its. Whether anything
  /// changed.
  bool step(const QueuedCommand* pushed, bool pops, bool fetches) {
    const bool changed = pushed != nullptr || pops || fetches || fetching_;
    held_ = (held_ && !pops) || fetching_;
    fetching_ = fetches;
    if (pops) commands_.pop();
    if (pushed != nullptr) commands_.push(*pushed);
    return changed;
  }
  void reset() {
    commands_.reset();
    held_ = fetching_ = false;
  }

 private:
  Ring<QueuedCommand> commands_;
  bool held_ = false, fetching_ = false;
};

}  // namespace corank::cycle_model
