// How far a simulation is, on a terminal.
#pragma once

#include <chrono>
#include <cstdint>

namespace corank {

/// A line on the standard error stream that is written over at most five times a second: share of
/// the commands, simulated time, cycles a second, time left (by the commands so far). The last line
/// is wiped out at the end.
class Progress {
 public:
  Progress(std::uint64_t commands, double clock_mhz);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A command ended in this cycle.
  void command(std::int64_t cycle);

 private:
  using Clock = std::chrono::steady_clock;
  std::uint64_t commands_, ended_ = 0;
  double clock_mhz_;
  Clock::time_point begin_, shown_;
  bool any_ = false;
};

}  // namespace corank
