// Random stalls that can be replayed: whether a channel is held back depends on seed, channel and
// cycle alone.
#pragma once

#include <cstdint>

#include "sim/platform/configuration.h"

namespace corank {

enum class Channel {
  aw,
  w,
  b,
  ar,
  r,
  control_aw,
  control_w,
  control_b,
  control_ar,
  control_r,
};
constexpr int kChannels = 10;

/// A channel is held back in a cycle if value 10 * cycle + channel of SplitMix64 (Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), modulo 100, is below
/// `percent`. Where the platform drives ready it stays low in that cycle; where the platform drives
/// valid nothing new is offered (what is offered already stays).
class StallPattern {
 public:
  explicit StallPattern(const StallConfig& config)
      : percent_(static_cast<std::uint64_t>(config.percent)), seed_(config.seed) {}

  bool active() const { return percent_ != 0; }

  bool held(Channel channel, std::int64_t cycle) const {
    if (percent_ == 0) return false;
    const auto position =
        static_cast<std::uint64_t>(cycle) * kChannels + static_cast<std::uint64_t>(channel);
    std::uint64_t z = seed_ + (position + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % 100 < percent_;
  }

 private:
  std::uint64_t percent_;
  std::uint64_t seed_;
};

}  // namespace corank
