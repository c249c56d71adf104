#include "tests/rtl/arithmetic/mac_comparison.h"

#include "Vmac_lanes.h"
#include "models/base/numerics.h"

namespace corank {

MacComparison::MacComparison() : model_(std::make_unique<Vmac_lanes>()) {}
MacComparison::~MacComparison() = default;

void MacComparison::add(const MacOperands& operands) {
  model_->operands_i[held_count_] = std::uint32_t{operands.a} << 16 | operands.b;
  model_->addend_i[held_count_] = operands.sum;
  held_[held_count_] = operands;
  if (++held_count_ == kLanes) {
    finish();
  }
}

void MacComparison::finish() {
  model_->eval();
  for (int lane = 0; lane < held_count_; ++lane) {
    const MacOperands& operands = held_[lane];
    const std::uint32_t expected =
        bits_of(multiply_accumulate(float_from_bits(operands.sum), operands.a, operands.b));
    const std::uint32_t found = model_->sum_o[lane];
    if (found != expected && mismatches_++ == 0) {
      first_ = {operands, expected, found};
    }
  }
  count_ += held_count_;
  held_count_ = 0;
}

}  // namespace corank
