// What code that runs as the simulated host can do. No SystemC is needed to use it, or to stand in
// for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace corank {

/// Every access costs time on the link; the accelerator's clock runs
/// meanwhile. A fault of the machine (MachineError) is thrown out of whatever call is waiting;
/// every later call throws it again.
class HostPort {
 public:
  virtual ~HostPort() = default;

  /// Posted: returns when the packet has left. Accesses and memory writes arrive in the order of
  /// sending.
  virtual void write_register(std::uint32_t offset, std::uint32_t value) = 0;
  /// Returns when the answer has arrived.
  virtual std::uint32_t read_register(std::uint32_t offset) = 0;
  /// Posted, in packets; a doorbell written afterwards arrives afterwards.
  virtual void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) = 0;
  /// Takes the time of such a write and leaves the memory as it is: for runs without values.
  virtual void write_nothing(std::uint64_t address, std::size_t size) = 0;
  virtual std::vector<std::uint8_t> read_memory(std::uint64_t address, std::size_t size) = 0;
  /// Returns when the memory has answered every write of it that was sent before, and the host
  /// knows.
  virtual void flush() = 0;

  /// Each rise of the interrupt line is a message, which reaches the host one link latency later.
  /// Waits for the next one, at most `timeout` cycles of the accelerator; takes it and returns
  /// true, or returns false. A message that came earlier and was not taken counts at once.
  virtual bool wait_interrupt(std::int64_t timeout) = 0;

  /// Writes down what the platform has counted up to now (PlatformResult::snapshots). An instrument
  /// of the simulation, not of the machine: it takes no time and changes nothing.
  virtual void take_snapshot() = 0;
  /// Whether the memory has requests that it has not answered yet. An instrument, too.
  virtual bool memory_at_work() const = 0;
  /// How many it has answered.
  virtual std::uint64_t memory_answers() const = 0;

  virtual double now_ns() const = 0;
  /// Clock edges of the accelerator up to now.
  virtual std::int64_t cycles() const = 0;
};

}  // namespace corank
