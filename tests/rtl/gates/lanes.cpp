// A vector lane and its gates.
#include "Vlanes_beside_gates.h"
#include "rtl/interface/interface.h"
#include "tests/rtl/gates/comparison.h"

int main(int argc, char** argv) {
  namespace interface = corank::interface;
  unsigned divides_again = 0;  // cycles until the divider can take an instruction
  const auto drive = [&](Vlanes_beside_gates& lanes, corank::test::RandomInputs& random) {
    lanes.opcode_i =
        static_cast<CData>(random.below(static_cast<unsigned>(interface::kVectorOpcodes.size())));
    const bool iterative =
        lanes.opcode_i == static_cast<CData>(interface::VectorOpcode::kDivide) ||
        lanes.opcode_i == static_cast<CData>(interface::VectorOpcode::kSquareRoot);
    if (divides_again > 0) --divides_again;
    lanes.issue_valid_i = !random.one_in(4) && !(iterative && divides_again > 0);
    if (lanes.issue_valid_i && iterative) divides_again = interface::kDivideInterval;
    lanes.destination_i = static_cast<CData>(random.below(16));
    lanes.a_i = static_cast<CData>(random.below(16));
    lanes.b_i = static_cast<CData>(random.below(16));
    lanes.c_i = static_cast<CData>(random.below(16));
    lanes.b_immediate_i = random.one_in(4);
    lanes.c_immediate_i = random.one_in(4);
    lanes.exchange_i = random.one_in(4);
    lanes.immediate_i = random.fp32();
    lanes.accumulator_i = random.one_in(2);
    lanes.broadcast_i = random.one_in(4);
    lanes.beat_i = static_cast<CData>(random.below(2));  // few, so that results are read again
    lanes.count_i = static_cast<CData>(!random.one_in(16));
    lanes.read_bf16_i = random.bf16();
    lanes.read_fp32_i = random.fp32();
  };
  return corank::test::compare_with_gates<Vlanes_beside_gates>("vector lane", drive, argc, argv);
}
