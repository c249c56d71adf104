// The control side of the device: registers, state, first fault, interrupts and counters
// (rtl/command/registers.sv).
#pragma once

#include <array>
#include <cstdint>

#include "sim/cycle/load_unit.h"
#include "sim/cycle/types.h"
#include "sim/machine/pins.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

class Registers {
 public:
  static constexpr std::size_t kUnits = 5;  // command, load, array, vector, store

  /// What the units say in a cycle.
  struct Inputs {
    std::uint32_t ring_head = 0, stream_released = 0;
    std::array<interface::Activity, kUnits> activities{};
    std::array<std::uint32_t, kUnits> waiting{}, indices{};
    std::array<std::uint32_t, kUnits> fault_indices{};  // of the commands that the faults are of
    std::array<UnitFault, kUnits> faults{};
    std::array<bool, kUnits> completed{};
    bool halt_done = false, in_program = false;
    bool command_idle = true, units_idle = true, queues_empty = true;
  };

  explicit Registers(const MachineShape& shape);

  /// What a cycle's accesses find: the pins' valids and readies of the AXI4-Lite port are given,
  /// the device's are set.
  void look(const Inputs& inputs, MachinePins& pins);
  /// In look() of this cycle.
  bool reads_counter() const { return reading_ == Read::kCounted; }
  /// Whether the counters take the events of the present cycle, after look().
  bool counting() const { return counting_; }
  /// Whether anything changed but the counting.
  bool step(const MachinePins& pins);
  /// `cycles` cycles like the last one.
  void count(Cycle cycles);

  // Flip-flops: what the present cycle sees.
  bool stop() const { return state_ != State::kNormal || reset_pending_ || soft_reset_; }
  bool soft_reset() const { return soft_reset_; }
  bool interrupt() const { return (done_ && done_enable_) || (fault_pending_ && fault_enable_); }
  bool enable() const { return enable_; }
  std::uint64_t ring_base() const { return ring_base_; }
  std::uint32_t ring_entries() const { return ring_entries_; }
  std::uint32_t ring_tail() const { return ring_tail_; }
  /// Found when the ring's registers were written.
  bool ring_long() const { return ring_long_; }
  bool ring_odd() const { return base_odd_ || entries_odd_; }
  std::uint32_t stream_written() const { return stream_written_; }
  DmaLimits limits() const { return {memory_limit_, outstanding_, beats_}; }

  /// clear_counters was written in the cycle that step() ended: after every event of that cycle has
  /// been counted, clear() is due.
  bool clear_due() const { return clear_due_; }
  Counters& counters() { return counters_; }

 private:
  enum class State { kNormal, kStopping, kFaulted };
  static constexpr std::size_t kActivities = interface::kActivityNames.size();

  bool step_write(const MachinePins& pins);
  bool step_read(const MachinePins& pins);
  std::uint32_t read(std::uint32_t offset, bool& known);
  bool write(std::uint32_t offset, std::uint32_t value);
  bool drained() const { return in_.command_idle && in_.units_idle; }
  bool running() const;

  MachineShape shape_;
  State state_ = State::kNormal;
  bool enable_ = false, reset_pending_ = false, soft_reset_ = false;
  bool done_ = false, fault_pending_ = false, done_enable_ = false, fault_enable_ = false;
  std::uint64_t ring_base_ = 0, memory_limit_ = 0;
  std::uint32_t ring_entries_ = 0, ring_tail_ = 0, stream_written_ = 0;
  bool ring_long_ = false, base_odd_ = false, entries_odd_ = false;
  std::uint32_t outstanding_ = 16, beats_ = 256;
  UnitFault fault_;
  std::uint32_t fault_unit_ = 0, fault_index_ = 0;
  std::uint32_t completed_ = 0, progress_ = 0;
  Counters counters_;

  // AXI4-Lite. A write keeps the part that came first. What a read does in this cycle: nothing,
  // finding its value (which is that of the cycle after the one in which it was taken), waiting, or
  // answering. A counter's is found two cycles later than another, and then waits two more.
  bool address_kept_ = false, data_kept_ = false, bvalid_ = false;
  std::uint32_t address_ = 0, data_ = 0;
  enum class Read { kNone, kTaken, kCounterTaken, kCounted, kCounterFound, kFound, kAnswered };
  Read reading_ = Read::kNone;
  std::uint32_t offset_ = 0;
  std::uint8_t bresp_ = 0, rresp_ = 0;
  std::uint32_t rdata_ = 0;

  // The present cycle.
  Inputs in_;
  bool counting_ = false, any_busy_ = false, any_completed_ = false;
  bool clear_due_ = false;
};

}  // namespace corank::cycle_model
