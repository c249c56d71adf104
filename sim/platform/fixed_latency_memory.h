// A memory with one latency and one data bus.
#pragma once

#include <cstdint>

#include "sim/platform/configuration.h"
#include "sim/platform/memory_module.h"

namespace corank {

/// A request that arrives at t is complete at max(t + latency, bus free) + bytes / bandwidth, and
/// the bus is free then; data is read and written in the order of serving. A request beyond the
/// size gets an address error after the latency, without using the bus.
class FixedLatencyMemory : public MemoryModule {
 public:
  FixedLatencyMemory(const sc_core::sc_module_name& name, const MemoryConfig& config, int sockets);

  /// Up to the last request served.
  double busy_ns() const override { return static_cast<double>(busy_) * 1e-6; }

 private:
  void serve_one(const Request& request) override;

  std::uint64_t size_;
  Femtoseconds latency_;
  double bandwidth_;
  Femtoseconds bus_free_ = 0;
  Femtoseconds busy_ = 0;
};

}  // namespace corank
