// What a machine is built from. The configuration's keys with their ranges, the RTL's parameters,
// the names in reports and what the driver compares follow from the tables below.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace corank {

/// What is built in: the values of the tables' rows. A bank has at least as many lines as a line
/// has elements (memory_lanes).
struct MachineShape {
  int array_rows = 8;
  int array_columns = 8;
  int vector_lanes = 8;
  int scratchpad_kib = 64;
  int scratchpad_banks = 8;
  int accumulator_kib = 64;
  int accumulator_banks = 4;
  int axi_data_bits = 128;
  int queue_depth = 4;
  int parity = 0;
  int decoder = 1;
  std::string mac = "bit-level";
};

/// A parameter of the RTL.
struct MachineParameter {
  const char* name;       // in reports
  const char* key;        // below `accelerator` in a configuration
  const char* parameter;  // of corank_accelerator.sv
  int MachineShape::*value;
  int least, most;
  bool power_of_two;
  const char* unit;  // "" for what has none
  const char* doc;
};

inline constexpr std::array<MachineParameter, 11> kMachineParameters = {
    {{"array_rows", "array.rows", "ArrayRows", &MachineShape::array_rows, 1, 32, false, "PEs",
      "contraction elements that it takes a cycle"},
     {"array_columns", "array.columns", "ArrayColumns", &MachineShape::array_columns, 1, 32, false,
      "PEs", "output columns that it computes side by side"},
     {"vector_lanes", "vector.lanes", "VectorLanes", &MachineShape::vector_lanes, 1, 32, true, "",
      "elements that it handles a cycle; at most those of a memory line"},
     {"scratchpad_kib", "scratchpad.kib", "ScratchpadKib", &MachineShape::scratchpad_kib, 1, 16384,
      true, "KiB", "size"},
     {"scratchpad_banks", "scratchpad.banks", "ScratchpadBanks", &MachineShape::scratchpad_banks, 8,
      32, true, "", "banks, each used by one unit at a time"},
     {"accumulator_kib", "accumulator.kib", "AccumulatorKib", &MachineShape::accumulator_kib, 1,
      16384, true, "KiB", "size"},
     {"accumulator_banks", "accumulator.banks", "AccumulatorBanks",
      &MachineShape::accumulator_banks, 4, 16, true, "", "banks, each used by one unit at a time"},
     {"axi_data_bits", "axi.data_bits", "AxiDataBits", &MachineShape::axi_data_bits, 64, 512, true,
      "bit", "data width"},
     {"queue_depth", "queue_depth", "QueueDepth", &MachineShape::queue_depth, 1, 16, false,
      "commands", "commands that can wait at each unit"},
     {"parity", "parity", "Parity", &MachineShape::parity, 0, 1, false, "",
      "1: each element of the local memories has a parity bit, and a wrong one is a fault"},
     {"decoder", "decoder", "Decoder", &MachineShape::decoder, 0, 1, false, "",
      "1: packed weights are decoded on their way to the scratchpad; 0: there are none"}}};

/// How a machine is simulated, which the RTL has no parameter for. Results and cycles do not depend
/// on it.
struct MachineChoice {
  const char* name;
  const char* key;
  std::string MachineShape::*value;
  std::array<const char*, 2> options;
  const char* doc;
};

inline constexpr const char* kHostFloat = "host-float";

inline constexpr std::array<MachineChoice, 1> kMachineChoices = {
    {{"mac",
      "array.mac",
      &MachineShape::mac,
      {"bit-level", kHostFloat},
      "how its arithmetic is simulated: by the RTL's own logic, or by this computer's float unit; "
      "same results and cycles"}}};

inline bool host_float(const MachineShape& shape) { return shape.mac == kHostFloat; }

/// Elements of a line of the local memories (accelerator_pkg::memory_lanes; the device reports it
/// in its register `lanes`, which the driver compares).
inline int memory_lanes(const MachineShape& shape) {
  int lanes = 1;
  while (lanes < shape.array_rows || lanes < shape.array_columns || lanes < shape.vector_lanes ||
         lanes < shape.axi_data_bits / 16) {
    lanes *= 2;
  }
  return lanes;
}

/// Lines of the local memories: of BF16 elements in the scratchpad, of FP32 ones in the accumulator
/// memory.
inline int scratchpad_lines(const MachineShape& shape) {
  return shape.scratchpad_kib * 1024 / (memory_lanes(shape) * 2);
}
inline int accumulator_lines(const MachineShape& shape) {
  return shape.accumulator_kib * 1024 / (memory_lanes(shape) * 4);
}

/// A read-only register by which a device says what it is (rtl/interface/interface.yaml).
struct MachineRegister {
  const char* name;
  std::uint32_t offset;
  std::uint32_t (*value)(const MachineShape& shape);
  bool in_programs;  // whether a compiled program depends on it, so that the driver compares it
};

extern const std::array<MachineRegister, 8> kMachineRegisters;

}  // namespace corank
