// The tokens by which the units order their commands (rtl/command/token_file.sv).
#pragma once

#include <array>
#include <cstdint>

#include "rtl/interface/interface.h"

namespace corank::cycle_model {

/// What is taken and given in cycle t shows in available() from t + 1 on: call step() last.
class TokenFile {
 public:
  /// One bit a token, 4 * giver + taker: its count is not 0.
  std::uint32_t available() const { return available_; }

  /// The tokens of `give` that would be lost, their counters being at the maximum.
  std::uint32_t overflow(std::uint32_t take, std::uint32_t give) const {
    std::uint32_t lost = 0;
    for (std::uint32_t token = 0; token < kTokens; ++token) {
      const std::uint32_t bit = 1u << token;
      if ((give & ~take & bit) != 0 && counts_[token] == kMaximum) lost |= bit;
    }
    return lost;
  }

  void step(std::uint32_t take, std::uint32_t give) {
    const std::uint32_t up = give & ~take & ~overflow(take, give), down = take & ~give;
    for (std::uint32_t token = 0; token < kTokens; ++token) {
      counts_[token] =
          static_cast<std::uint8_t>(counts_[token] + (up >> token & 1u) - (down >> token & 1u));
      const std::uint32_t bit = 1u << token;
      available_ = counts_[token] != 0 ? available_ | bit : available_ & ~bit;
    }
  }

  void reset() { *this = TokenFile(); }

 private:
  static constexpr std::uint32_t kTokens = interface::kEngines * interface::kEngines;
  static constexpr std::uint8_t kMaximum = interface::kMostTokens;

  std::array<std::uint8_t, kTokens> counts_{};
  std::uint32_t available_ = 0;
};

}  // namespace corank::cycle_model
