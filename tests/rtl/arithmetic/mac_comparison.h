// Compares the verilated MAC with the host's float arithmetic, several operands at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "tests/rtl/arithmetic/operands.h"

class Vmac_lanes;

namespace corank {

/// Needs a FloatEnvironment alive in the calling thread.
class MacComparison {
 public:
  struct Mismatch {
    MacOperands operands;
    std::uint32_t expected;
    std::uint32_t found;
  };

  MacComparison();
  ~MacComparison();

  void add(const MacOperands& operands);
  /// Compares what add() still holds back.
  void finish();

  std::uint64_t count() const { return count_; }
  std::uint64_t mismatches() const { return mismatches_; }
  /// Meaningless while there are no mismatches.
  const Mismatch& first() const { return first_; }

 private:
  static constexpr int kLanes = 16;  // of mac_lanes.sv

  std::unique_ptr<Vmac_lanes> model_;
  std::array<MacOperands, kLanes> held_;
  int held_count_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t mismatches_ = 0;
  Mismatch first_{};
};

}  // namespace corank
