// The systolic array and its gates.
#include "Varray_beside_gates.h"
#include "tests/rtl/gates/comparison.h"

int main(int argc, char** argv) {
  const auto drive = [](Varray_beside_gates& array, corank::test::RandomInputs& random) {
    array.row_valid_i = !random.one_in(4);
    array.row_first_i = random.one_in(8);
    array.row_depth_i = static_cast<CData>(1 + random.below(2));
    array.weight_valid_i = random.one_in(3);
    array.weight_row_i = static_cast<CData>(random.below(2));
    array.x_i = random.bf16() | static_cast<std::uint32_t>(random.bf16()) << 16;
    array.weight_i = random.bf16() | static_cast<std::uint32_t>(random.bf16()) << 16;
    array.psum_i = random.fp32() | static_cast<std::uint64_t>(random.fp32()) << 32;
  };
  return corank::test::compare_with_gates<Varray_beside_gates>("array 2x2", drive, argc, argv);
}
