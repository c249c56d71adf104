// A host port that passes everything on to another one: for those that change or watch a part of
// it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/platform/host_port.h"

namespace corank {

class ForwardingHost : public HostPort {
 public:
  explicit ForwardingHost(HostPort& host) : host_(host) {}

  void write_register(std::uint32_t offset, std::uint32_t value) override {
    host_.write_register(offset, value);
  }
  std::uint32_t read_register(std::uint32_t offset) override { return host_.read_register(offset); }
  void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) override {
    host_.write_memory(address, bytes);
  }
  void write_nothing(std::uint64_t address, std::size_t size) override {
    host_.write_nothing(address, size);
  }
  std::vector<std::uint8_t> read_memory(std::uint64_t address, std::size_t size) override {
    return host_.read_memory(address, size);
  }
  void flush() override { host_.flush(); }
  bool wait_interrupt(std::int64_t timeout) override { return host_.wait_interrupt(timeout); }
  void take_snapshot() override { host_.take_snapshot(); }
  bool memory_at_work() const override { return host_.memory_at_work(); }
  std::uint64_t memory_answers() const override { return host_.memory_answers(); }
  double now_ns() const override { return host_.now_ns(); }
  std::int64_t cycles() const override { return host_.cycles(); }

 protected:
  HostPort& host_;
};

}  // namespace corank
