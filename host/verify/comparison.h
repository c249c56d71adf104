// The first difference between what is seen of two runs.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "host/verify/transcript.h"

namespace corank {

enum class Side { kRtl, kCycle };

/// Takes the lines of both sides, each at its own pace. Keeps what one side is ahead of the other,
/// and a few lines of what was equal.
class Comparison {
 public:
  /// `names`: of the sides, for what is said of a difference.
  explicit Comparison(std::array<std::string, 2> names = {"rtl", "cycle"})
      : names_(std::move(names)) {}

  void take(Side side, EventKind kind, std::string line);
  /// Nothing more comes from this side.
  void end(Side side);

  /// The first difference, in context from both sides; "": there is none so far. It is complete as
  /// soon as both sides have a few lines more, or their ends.
  const std::string& difference() const { return difference_; }
  /// Lines of a kind that were equal.
  std::uint64_t equal(EventKind kind) const { return equal_[index_of(kind)]; }

 private:
  static std::size_t index_of(EventKind kind);
  void compare(EventKind kind);

  struct Lines {
    std::array<std::deque<std::string>, 2> ahead;  // by side
    std::deque<std::string> before;                // equal ones
  };
  std::array<std::string, 2> names_;
  std::array<Lines, kEventKinds.size()> lines_;
  std::array<std::uint64_t, kEventKinds.size()> equal_{};
  std::array<bool, 2> ended_{};
  std::string difference_;
};

}  // namespace corank
