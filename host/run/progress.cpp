#include "host/run/progress.h"

#include <fmt/format.h>

#include "sim/system/standard_streams.h"

namespace corank {

Progress::Progress(std::uint64_t commands, double clock_mhz)
    : commands_(commands), clock_mhz_(clock_mhz), begin_(Clock::now()), shown_(begin_) {}

Progress::~Progress() {
  if (any_) print_error(fmt::format("\r{:78}\r", ""));
}

void Progress::command(std::int64_t cycle) {
  ++ended_;
  if (ended_ % 16 != 0) return;  // asking for the time costs more than counting
  const Clock::time_point now = Clock::now();
  if (now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  any_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double share = static_cast<double>(ended_) / static_cast<double>(commands_);
  print_error(
      fmt::format("\r{:5.1f} %  {:.3f} ms simulated, {:.2f} million cycles/s, {:.0f} s left   ",
                  100 * share, static_cast<double>(cycle) / clock_mhz_ / 1e3,
                  static_cast<double>(cycle) / seconds / 1e6, seconds / share * (1 - share)));
}

}  // namespace corank
