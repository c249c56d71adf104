#include "sim/platform/stall_pattern.h"

#include <catch2/catch.hpp>

using corank::Channel;
using corank::StallConfig;
using corank::StallPattern;

TEST_CASE("a stall is value 10 * cycle + channel of SplitMix64 modulo 100") {
  // The first values of SplitMix64 from seed 1234567 that its authors' splitmix64.c prints:
  // 6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
  // 16408922859458223821. Modulo 100: 17, 73, 23, 31, 21, for the channels aw, w, b, ar, r of cycle
  // 0.
  const int expected[5] = {17, 73, 23, 31, 21};
  for (int channel = 0; channel < 5; ++channel) {
    const int value = expected[channel];
    CHECK_FALSE(StallPattern({value, 1234567}).held(static_cast<Channel>(channel), 0));
    CHECK(StallPattern({value + 1, 1234567}).held(static_cast<Channel>(channel), 0));
  }
}

TEST_CASE("channels are held back in the share of cycles that was asked for") {
  for (const int percent : {1, 25, 90}) {
    const StallPattern stalls({percent, 3});
    for (int channel = 0; channel < corank::kChannels; ++channel) {
      int held = 0;
      for (int cycle = 0; cycle < 100000; ++cycle) {
        held += stalls.held(static_cast<Channel>(channel), cycle) ? 1 : 0;
      }
      INFO("channel " << channel << ", " << percent << " %");
      // Six standard deviations of a binomial of 100000 are at most 950.
      CHECK(std::abs(held - 1000 * percent) < 950);
    }
  }
}

TEST_CASE("no stalls unless asked for") {
  const StallPattern stalls({0, 1});
  CHECK_FALSE(stalls.active());
  for (int cycle = 0; cycle < 1000; ++cycle) CHECK_FALSE(stalls.held(Channel::r, cycle));
}
