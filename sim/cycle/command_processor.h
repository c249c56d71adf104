// Fetches the commands of the ring, checks them and dispatches them
// (rtl/command/command_processor.sv).
#pragma once

#include <array>
#include <cstdint>

#include "sim/cycle/axi_port.h"
#include "sim/cycle/types.h"
#include "sim/machine/shape.h"

namespace corank::cycle_model {

/// What is bad about a command for a machine, in the order in which the command processor looks.
interface::Fault command_fault(const QueuedCommand& command, const MachineShape& shape);

class CommandProcessor {
 public:
  /// What comes from the registers and the units in a cycle.
  struct Inputs {
    bool enable = false, stop = false;
    std::uint64_t ring_base = 0;
    std::uint32_t ring_entries = 0, ring_tail = 0;
    bool ring_long = false, ring_odd = false;
    std::uint64_t memory_limit = 0;
    std::uint32_t queues_ready = 0;  // one bit a queue
    bool units_idle = false;         // and nothing queued
  };

  explicit CommandProcessor(const MachineShape& shape);

  void look(Cycle cycle, const Inputs& in);
  /// Whether anything changed that the next cycle does not only count. `beat`: with its ID.
  bool step(bool ar_ready, const ReadBeat& beat, Counters& counters);
  void skip(Cycle cycles, const ReadBeat& beat, Counters& counters) const;
  /// When the command at hand is here, if it is on its way from the buffer; else kNever.
  Cycle next(Cycle cycle) const { return held_at_ > cycle ? held_at_ : kNever; }
  void reset() { *this = CommandProcessor(shape_); }

  // The present cycle, after look().
  const AxiAddress& ar() const { return ar_; }
  /// The queue that takes the command at hand; -1: none.
  int dispatched() const { return advance_ && unit_ >= 0 ? unit_ : -1; }
  const QueuedCommand& command() const { return slots_[head_ % kFetchDepth].command; }
  bool issued() const { return advance_; }
  bool completed() const { return advance_ && unit_ < 0; }
  bool halt_done() const { return halt_done_; }
  /// A command has been dispatched and no halt has completed since.
  bool in_program() const { return in_program_; }
  interface::Activity activity() const;
  const UnitFault& fault() const { return fault_; }
  bool idle() const { return !in_flight_ && !(active_ && buffered() != 0); }
  std::uint32_t head() const { return head_; }
  std::uint32_t buffered() const { return received_ - head_; }

 private:
  static constexpr std::uint32_t kFetchDepth = interface::kFetchDepth;
  static constexpr std::uint64_t kCommandBytes = sizeof(interface::CommandWords);

  struct Slot {
    QueuedCommand command;
    bool error = false;
    interface::Fault fault = interface::Fault::kNone;
  };

  std::uint64_t address_of(std::uint32_t index) const {
    return in_.ring_base + std::uint64_t{index & (in_.ring_entries - 1)} * kCommandBytes;
  }
  UnitFault find_fault(bool request_in_range) const;

  MachineShape shape_;
  std::uint32_t head_ = 0, received_ = 0, requested_ = 0;
  bool faulted_ = false, in_program_ = false;
  Cycle held_at_ = kNever;  // from when on the command at hand is looked at
  AxiAddress ar_;
  std::array<Slot, kFetchDepth> slots_;

  // The present cycle.
  Inputs in_;
  bool active_ = false, held_ = false, in_flight_ = false;
  bool may_request_ = false;  // but for the address register
  bool halt_done_ = false, advance_ = false;
  int unit_ = -1;
  UnitFault fault_;
};

}  // namespace corank::cycle_model
