// What the platform is made of: plain structs, which the configuration reader fills and the
// simulator obeys.
#pragma once

#include <cstdint>
#include <string>

#include "sim/dram/configuration.h"
#include "sim/machine/shape.h"

namespace corank {

/// Run-time settings of the accelerator: registers, capped by the build.
struct MachineLimits {
  double clock_mhz = 1000;
  int outstanding_bursts = 8;  // 1..16, a channel
  int burst_beats = 64;        // 1..256
};

enum class MemoryKind { kFixedLatency, kDram };
inline const char* name_of(MemoryKind kind) {
  return kind == MemoryKind::kDram ? "dram" : "fixed-latency";
}

struct MemoryConfig {
  MemoryKind kind = MemoryKind::kFixedLatency;
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
  if (memory.kind == MemoryKind::kDram)
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
