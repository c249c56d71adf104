// What a simulation counts. Nothing here is rounded or estimated.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rtl/interface/interface.h"
#include "sim/platform/stall_pattern.h"

namespace corank {

/// Transactions of one of the memory's ports. A write counts all bytes that the bus carried,
/// enabled or not.
struct MemoryPortStatistics {
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  std::int64_t read_bytes = 0;
  std::int64_t written_bytes = 0;

  /// What has come since `before`.
  MemoryPortStatistics since(const MemoryPortStatistics& before) const {
    return {reads - before.reads, writes - before.writes, read_bytes - before.read_bytes,
            written_bytes - before.written_bytes};
  }
};

struct MemoryStatistics {
  MemoryPortStatistics accelerator;
  MemoryPortStatistics link;
  double busy_ns = 0;  // of the data bus
};

struct LinkDirectionStatistics {
  std::int64_t packets = 0;
  std::int64_t payload_bytes = 0;
  std::int64_t wire_bytes = 0;  // payload and the overhead of each packet
  double busy_ns = 0;

  /// What has come since `before`.
  LinkDirectionStatistics since(const LinkDirectionStatistics& before) const {
    return {packets - before.packets, payload_bytes - before.payload_bytes,
            wire_bytes - before.wire_bytes, busy_ns - before.busy_ns};
  }
};

struct LinkStatistics {
  LinkDirectionStatistics to_device;
  LinkDirectionStatistics to_host;

  LinkStatistics since(const LinkStatistics& before) const {
    return {to_device.since(before.to_device), to_host.since(before.to_host)};
  }
};

/// One direction of the accelerator's memory port, as seen at the pins. Beats and bytes are those
/// transferred; a burst counts when its address is accepted.
struct AxiDirectionStatistics {
  std::int64_t bursts = 0;
  std::int64_t beats = 0;
  std::int64_t bytes = 0;
};

struct AxiStatistics {
  AxiDirectionStatistics read;
  AxiDirectionStatistics write;
};

/// What was done to the accelerator on purpose.
struct InjectionStatistics {
  std::array<std::int64_t, kChannels>
      held_cycles{};  // cycles in which holding the channel back had an effect
  std::int64_t read_errors = 0;
  std::int64_t write_errors = 0;
  std::int64_t silent_reads = 0;

  InjectionStatistics& operator+=(const InjectionStatistics& other) {
    for (std::size_t i = 0; i < held_cycles.size(); ++i) held_cycles[i] += other.held_cycles[i];
    read_errors += other.read_errors;
    write_errors += other.write_errors;
    silent_reads += other.silent_reads;
    return *this;
  }
};

/// One command on one unit, in cycles of the accelerator; -1 is not seen (yet).
struct TraceEvent {
  interface::Engine unit = interface::Engine::kLoad;
  std::uint32_t command = 0;  // ring index
  std::int64_t issue = -1;
  std::int64_t start = -1;
  std::int64_t end = -1;
};

}  // namespace corank
