#include "sim/cycle/registers.h"

#include <algorithm>

namespace corank::cycle_model {

namespace {

using namespace interface;

constexpr std::uint32_t kCountersEnd = kRegCounters + 8 * static_cast<std::uint32_t>(kCounters);
constexpr std::uint32_t kRingAlignment = 4096;
constexpr std::uint8_t kOkay = 0, kSlaveError = 2;
constexpr std::uint64_t kLow = 0xffffffffu, kHigh = std::uint64_t{0xffff} << 32;

void write_low(std::uint64_t& address, std::uint32_t value) { address = (address & kHigh) | value; }
void write_high(std::uint64_t& address, std::uint32_t value) {
  address = (address & kLow) | std::uint64_t{value & 0xffffu} << 32;
}

bool is_counter(std::uint32_t offset) {
  return offset >= kRegCounters && offset < kCountersEnd && offset % 4 == 0;
}

}  // namespace

Registers::Registers(const MachineShape& shape) : shape_(shape) {}

bool Registers::running() const {
  return (enable_ && (in_.ring_head != ring_tail_ || in_.in_program)) || !drained() ||
         !in_.queues_empty || any_completed_;
}

void Registers::look(const Inputs& inputs, MachinePins& pins) {
  in_ = inputs;
  any_busy_ = std::find(in_.activities.begin(), in_.activities.end(), Activity::kBusy) !=
              in_.activities.end();
  any_completed_ =
      std::find(in_.completed.begin(), in_.completed.end(), true) != in_.completed.end();
  counting_ = state_ == State::kStopping || (state_ == State::kNormal && running());

  pins.s_axil_awready = !address_kept_ && !bvalid_;
  pins.s_axil_wready = !data_kept_ && !bvalid_;
  pins.s_axil_arready = reading_ == Read::kNone;
  pins.s_axil_bvalid = bvalid_;
  pins.s_axil_bresp = bresp_;
  pins.s_axil_rvalid = reading_ == Read::kAnswered;
  pins.s_axil_rresp = rresp_;
  pins.s_axil_rdata = rdata_;
  pins.irq = interrupt();
  if (reading_ != Read::kTaken && reading_ != Read::kCounted) return;
  bool known = false;
  rdata_ = read(offset_, known);
  rresp_ = known ? kOkay : kSlaveError;
}

bool Registers::step(const MachinePins& pins) {
  count(1);
  completed_ +=
      static_cast<std::uint32_t>(std::count(in_.completed.begin(), in_.completed.end(), true));
  if (any_completed_ && !any_busy_) ++progress_;
  for (std::size_t unit = 1; unit < kUnits && counting_ && any_completed_; ++unit) {
    const std::size_t first = static_cast<std::size_t>(Counter::kCommandsLoad);
    if (in_.completed[unit]) ++counters_[first + unit - 1];
  }

  bool changed = false;
  const bool faulted_now = state_ == State::kStopping && drained();
  const bool reset_now = reset_pending_ && drained() && !soft_reset_;
  const auto faulty = std::find_if(in_.faults.begin(), in_.faults.end(),
                                   [](const UnitFault& fault) { return fault.valid(); });
  if (state_ == State::kNormal && faulty != in_.faults.end()) {
    // Of several faults in a cycle that of the lowest unit.
    fault_unit_ = static_cast<std::uint32_t>(faulty - in_.faults.begin());
    fault_ = *faulty;
    fault_index_ = in_.fault_indices[fault_unit_];
    state_ = State::kStopping;
    changed = true;
  } else if (faulted_now) {
    state_ = State::kFaulted;
    changed = true;
  }

  changed |= step_write(pins);
  changed |= step_read(pins);

  // The device's own events win over a write in the same cycle.
  done_ = done_ || in_.halt_done;
  fault_pending_ = fault_pending_ || faulted_now;
  if (soft_reset_) {
    state_ = State::kNormal;
    fault_ = UnitFault{};
    fault_unit_ = fault_index_ = 0;
    reset_pending_ = done_ = fault_pending_ = false;
    ring_tail_ = stream_written_ = completed_ = progress_ = 0;
    ring_long_ = false;
  }
  changed = changed || in_.halt_done || soft_reset_ || reset_now;
  soft_reset_ = reset_now;
  return changed;
}

bool Registers::step_write(const MachinePins& pins) {
  clear_due_ = false;
  if (pins.s_axil_awvalid && pins.s_axil_awready) {
    address_kept_ = true;
    address_ = pins.s_axil_awaddr;
  }
  if (pins.s_axil_wvalid && pins.s_axil_wready) {
    data_kept_ = true;
    data_ = pins.s_axil_wdata;
  }
  if (pins.s_axil_bready) bvalid_ = false;
  if (!address_kept_ || !data_kept_) return false;
  address_kept_ = data_kept_ = false;
  bvalid_ = true;
  bresp_ = write(address_, data_) ? kOkay : kSlaveError;
  return true;
}

bool Registers::step_read(const MachinePins& pins) {
  switch (reading_) {
    case Read::kNone:
      if (!pins.s_axil_arvalid) return false;
      reading_ = Read::kTaken;
      offset_ = pins.s_axil_araddr;
      return true;
    case Read::kTaken:
      reading_ = is_counter(offset_) ? Read::kCounterTaken : Read::kFound;
      return true;
    case Read::kCounterTaken:
      reading_ = Read::kCounted;
      return true;
    case Read::kCounted:
      reading_ = Read::kCounterFound;
      return true;
    case Read::kCounterFound:
      reading_ = Read::kFound;
      return true;
    case Read::kFound:
      reading_ = Read::kAnswered;
      return true;
    default:
      if (pins.s_axil_rready) reading_ = Read::kNone;
      return false;
  }
}

void Registers::count(Cycle cycles) {
  const auto n = static_cast<std::uint64_t>(cycles);
  if (counting_) {
    for (std::size_t unit = 0; unit < kUnits; ++unit) {
      counters_[unit * kActivities + static_cast<std::size_t>(in_.activities[unit])] += n;
    }
    counters_[Counter::kCycles] += n;
  }
  if (any_busy_) progress_ += static_cast<std::uint32_t>(n);
}

// Whether there is such a register to write.
bool Registers::write(std::uint32_t offset, std::uint32_t value) {
  switch (offset) {
    case kRegControl:
      enable_ = (value >> kControlEnableLsb & 1u) != 0;
      reset_pending_ = reset_pending_ || (value >> kControlResetLsb & 1u) != 0;
      clear_due_ = (value >> kControlClearCountersLsb & 1u) != 0;
      return true;
    case kRegInterruptStatus:
      if ((value >> kInterruptStatusDoneLsb & 1u) != 0) done_ = false;
      if ((value >> kInterruptStatusFaultLsb & 1u) != 0) fault_pending_ = false;
      return true;
    case kRegInterruptEnable:
      done_enable_ = (value >> kInterruptEnableDoneLsb & 1u) != 0;
      fault_enable_ = (value >> kInterruptEnableFaultLsb & 1u) != 0;
      return true;
    case kRegRingBaseLo:
      write_low(ring_base_, value);
      base_odd_ = value % kRingAlignment != 0;
      return true;
    case kRegRingBaseHi:
      write_high(ring_base_, value);
      return true;
    case kRegRingEntries:
      ring_entries_ = value;
      entries_odd_ = (value & (value - 1)) != 0;
      ring_long_ = ring_tail_ - in_.ring_head > ring_entries_;
      return true;
    case kRegRingTail:
      ring_tail_ = value;
      ring_long_ = ring_tail_ - in_.ring_head > ring_entries_;
      return true;
    case kRegStreamWritten:
      stream_written_ = value;
      return true;
    case kRegMemoryLimitLo:
      write_low(memory_limit_, value);
      return true;
    case kRegMemoryLimitHi:
      write_high(memory_limit_, value);
      return true;
    case kRegBurstLimits:
      outstanding_ = std::clamp(value >> kBurstLimitsOutstandingLsb & 0xffu, 1u,
                                std::uint32_t{kBurstsOutstanding});
      beats_ = std::clamp(value >> kBurstLimitsBeatsLsb & 0x1ffu, 1u, 256u);
      return true;
    default:
      return false;
  }
}

std::uint32_t Registers::read(std::uint32_t offset, bool& known) {
  known = true;
  for (const MachineRegister& built : kMachineRegisters)
    if (offset == built.offset) return built.value(shape_);
  switch (offset) {
    case kRegControl:
      return (enable_ ? 1u << kControlEnableLsb : 0) |
             (reset_pending_ ? 1u << kControlResetLsb : 0);
    case kRegStatus: {
      std::uint32_t state = running() ? 1 : 0;
      if (state_ != State::kNormal) state = state_ == State::kStopping ? 2 : 3;
      return state << kStatusStateLsb | (drained() && in_.queues_empty ? 1u << kStatusIdleLsb : 0);
    }
    case kRegInterruptStatus:
      return (done_ ? 1u << kInterruptStatusDoneLsb : 0) |
             (fault_pending_ ? 1u << kInterruptStatusFaultLsb : 0);
    case kRegInterruptEnable:
      return (done_enable_ ? 1u << kInterruptEnableDoneLsb : 0) |
             (fault_enable_ ? 1u << kInterruptEnableFaultLsb : 0);
    case kRegFault:
      return static_cast<std::uint32_t>(fault_.cause) << kFaultCauseLsb | fault_unit_
                                                                              << kFaultUnitLsb;
    case kRegFaultCommand:
      return fault_index_;
    case kRegFaultAddressLo:
      return static_cast<std::uint32_t>(fault_.address);
    case kRegFaultAddressHi:
      return static_cast<std::uint32_t>(fault_.address >> 32) & 0xffffu;
    case kRegRingBaseLo:
      return static_cast<std::uint32_t>(ring_base_);
    case kRegRingBaseHi:
      return static_cast<std::uint32_t>(ring_base_ >> 32);
    case kRegRingEntries:
      return ring_entries_;
    case kRegRingTail:
      return ring_tail_;
    case kRegRingHead:
      return in_.ring_head;
    case kRegMemoryLimitLo:
      return static_cast<std::uint32_t>(memory_limit_);
    case kRegMemoryLimitHi:
      return static_cast<std::uint32_t>(memory_limit_ >> 32);
    case kRegBurstLimits:
      return outstanding_ << kBurstLimitsOutstandingLsb | beats_ << kBurstLimitsBeatsLsb;
    case kRegCompleted:
      return completed_;
    case kRegProgress:
      return progress_;
    case kRegStreamWritten:
      return stream_written_;
    case kRegStreamReleased:
      return in_.stream_released;
    default:
      break;
  }
  if (offset % 4 == 0) {
    if (offset >= kRegUnitStateCommand && offset <= kRegUnitStateStore) {
      const std::size_t unit = (offset - kRegUnitStateCommand) / 4;
      return static_cast<std::uint32_t>(in_.activities[unit]) | (in_.waiting[unit] & 0xffu) << 8;
    }
    if (offset >= kRegUnitCommandCommand && offset <= kRegUnitCommandStore) {
      return in_.indices[(offset - kRegUnitCommandCommand) / 4];
    }
    if (is_counter(offset)) {
      const std::uint64_t value = counters_[(offset - kRegCounters) / 8];
      return static_cast<std::uint32_t>(offset % 8 == 4 ? value >> 32 : value);
    }
  }
  known = false;
  return 0;
}

}  // namespace corank::cycle_model
