#include "sim/machine/shape.h"

#include "rtl/interface/interface.h"

namespace corank {
namespace {

using namespace interface;

std::uint32_t bits(int value, int lsb = 0) { return static_cast<std::uint32_t>(value) << lsb; }

}  // namespace

const std::array<MachineRegister, 8> kMachineRegisters = {
    {{"identity", kRegIdentity, [](const MachineShape&) { return bits(kIdentity); }, true},
     {"interface_version", kRegInterfaceVersion,
      [](const MachineShape&) { return kInterfaceVersion; }, true},
     {"array_shape", kRegArrayShape,
      [](const MachineShape& shape) {
        return bits(shape.array_rows, kArrayShapeRowsLsb) |
               bits(shape.array_columns, kArrayShapeColumnsLsb);
      },
      true},
     {"lanes", kRegLanes,
      [](const MachineShape& shape) {
        return bits(shape.vector_lanes, kLanesVectorLsb) |
               bits(memory_lanes(shape), kLanesMemoryLsb) | bits(shape.decoder, kLanesDecoderLsb);
      },
      true},
     {"scratchpad_lines", kRegScratchpadLines,
      [](const MachineShape& shape) { return bits(scratchpad_lines(shape)); }, true},
     {"accumulator_lines", kRegAccumulatorLines,
      [](const MachineShape& shape) { return bits(accumulator_lines(shape)); }, true},
     {"banks", kRegBanks,
      [](const MachineShape& shape) {
        return bits(shape.scratchpad_banks, kBanksScratchpadLsb) |
               bits(shape.accumulator_banks, kBanksAccumulatorLsb);
      },
      true},
     // Width of the bus and depth of the queues are a matter of time alone, parity of faults.
     {"axi_shape", kRegAxiShape,
      [](const MachineShape& shape) {
        return bits(shape.axi_data_bits, kAxiShapeDataBitsLsb) |
               bits(shape.queue_depth, kAxiShapeQueueDepthLsb) |
               bits(shape.parity, kAxiShapeParityLsb);
      },
      false}}};

}  // namespace corank
