// What the platform is made of: plain structs, which the configuration reader fills and the
// simulator obeys.
#pragma once

#include <cstdint>
#include <string>

#include "sim/dram/configuration.h"

namespace corank {

/// What is built into the RTL. Every field but `mac` is a parameter of the verilated machine. A
/// bank has at least as many lines as a line has elements (memory_lanes).
struct MachineShape {
  int array_rows = 8;         // 1..32: contraction elements a cycle
  int array_columns = 8;      // 1..32: output columns
  int vector_lanes = 8;       // power of two, 1..32
  int scratchpad_kib = 64;    // power of two
  int scratchpad_banks = 8;   // power of two, 8..32
  int accumulator_kib = 64;   // power of two
  int accumulator_banks = 4;  // power of two, 4..16
  int axi_data_bits = 128;    // 64, 128, 256 or 512
  int queue_depth = 4;        // commands waiting at each unit, 1..16
  // How the array's multiply-accumulate is simulated: "bit-level", by the RTL's own logic, or
  // "host-float", by this computer's float unit. Same results, same cycles.
  std::string mac = "bit-level";
};

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

/// Run-time settings of the accelerator: registers, capped by the build.
struct MachineLimits {
  double clock_mhz = 1000;
  int outstanding_bursts = 8;  // 1..16, a channel
  int burst_beats = 64;        // 1..256
};

struct MemoryConfig {
  std::string kind = "fixed-latency";  // or "dram"
  std::string name;
  // Of kind dram they follow from the device: size and peak of all channels, the latency of a read
  // from a closed row.
  std::int64_t size_mib = 256;
  double latency_ns = 100;
  double bandwidth_gb_per_s = 16;  // 1e9 bytes a second
  DramConfig dram;                 // of kind dram
};

/// A DRAM's size need not be whole MiB.
inline std::uint64_t size_bytes(const MemoryConfig& memory) {
  if (memory.kind == "dram")
    return static_cast<std::uint64_t>(memory.dram.channels *
                                      memory.dram.device.organisation.bytes());
  return static_cast<std::uint64_t>(memory.size_mib) << 20;
}

struct LinkConfig {
  std::string name;
  double latency_ns = 500;
  double bandwidth_gb_per_s = 16;
  int payload_bytes = 256;  // of one packet, at most
  int overhead_bytes = 24;  // header, sequence number, CRC ... of one packet
  std::string source;
};

struct StallConfig {
  int percent = 0;  // of the cycles on which each AXI channel is held back, 0..90
  std::uint64_t seed = 1;
};

/// Faults to inject; 0 is none, n means the n-th (from 1).
struct FaultConfig {
  std::int64_t read_error = 0;   // read burst answered with SLVERR
  std::int64_t write_error = 0;  // write burst answered with SLVERR
  std::int64_t silent_read = 0;  // read burst that is never answered
};

}  // namespace corank
