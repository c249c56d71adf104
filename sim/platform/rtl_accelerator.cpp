#include "sim/platform/rtl_accelerator.h"

#include <cmath>

#include "sim/platform/sanitizer.h"

namespace corank {

namespace {

// Quiet cycles before the state is compared. Comparing costs as much as some ten to a hundred
// clocks, so each comparison in vain doubles the wait, until the host comes to the registers the
// next time: a machine that works on its own is hardly ever compared, one that is done soon is.
constexpr std::int64_t kFirstComparison = 64;

}  // namespace

RtlAccelerator::RtlAccelerator(const sc_core::sc_module_name& name, const AcceleratorConfig& config,
                               Failure& failure)
    : Accelerator(name, config.clock_mhz),
      failure_(failure),
      trace_(config.trace),
      may_sleep_(config.stalls.percent == 0 && config.wave_file.empty()),
      to_next_edge_(to_sc_time(period())),
      stalls_(config.stalls),
      memory_side_(memory, pool_, config.shape.axi_data_bits / 8, stalls_, config.faults),
      control_side_(stalls_,
                    [this](tlm::tlm_generic_payload& transaction) { answer(transaction); }),
      checker_(config.shape.axi_data_bits / 8),
      recorder_(config.on_event),
      machine_(config.machine_library),
      next_comparison_(kFirstComparison) {
  if (!config.wave_file.empty()) {
    machine_.open_waves(config.wave_file,
                        static_cast<std::uint64_t>(std::llround(1e6 / config.clock_mhz)));
  }
  SC_HAS_PROCESS(RtlAccelerator);
  SC_METHOD(rising_edge);
  dont_initialize();
  sensitive << edge_;
  edge_.notify(to_next_edge_);
}

InjectionStatistics RtlAccelerator::injections() const {
  InjectionStatistics all = memory_side_.injections();
  all += control_side_.injections();
  return all;
}

void RtlAccelerator::access(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) {
  control_side_.push(transaction, arrival);
  wake();
}

void RtlAccelerator::complete(Transaction& transaction, Femtoseconds when) {
  memory_side_.complete(transaction, when);
}

void RtlAccelerator::rising_edge() {
  tell_sanitizer_own_stack();
  try {
    clock();
  } catch (...) {
    failure_.raise(std::current_exception());
    return;
  }
  if (asleep_) return;
  edge_.notify(to_next_edge_);
}

void RtlAccelerator::clock() {
  if (asleep_) {
    cycle_ = static_cast<std::int64_t>(now() / period());
    asleep_ = false;
  } else {
    ++cycle_;
  }
  ++evaluated_;
  const Femtoseconds edge = now();
  memory_side_.drive(pins_, cycle_, edge);
  control_side_.drive(pins_, cycle_, edge);
  const bool compare = quiet_cycles_ == next_comparison_;
  bool changed = true;
  if (compare) {
    changed = machine_.clock_compare(pins_);
    next_comparison_ *= 2;
  } else {
    machine_.clock(pins_);
  }
  checker_.check(pins_, cycle_);
  memory_side_.sample(pins_);
  control_side_.sample(pins_);
  if (trace_) recorder_.record(pins_, cycle_);
  drive_interrupt(pins_.irq);

  if (!may_sleep_) return;
  if (!quiet()) {
    quiet_cycles_ = 0;
    if (!control_side_.idle()) next_comparison_ = kFirstComparison;
    return;
  }
  ++quiet_cycles_;
  // The next clock would be the same as this one, and so on until something comes in.
  asleep_ = !changed;
}

// Nothing moves at the pins or is on its way to them.
bool RtlAccelerator::quiet() const {
  return memory_side_.idle() && control_side_.idle() && !pins_.m_axi_arvalid &&
         !pins_.m_axi_awvalid && !pins_.m_axi_wvalid && !pins_.m_axi_rvalid &&
         !pins_.m_axi_bvalid && !pins_.trace_issue_valid && pins_.trace_start_valid == 0 &&
         pins_.trace_end_valid == 0 && !pins_.s_axil_awvalid && !pins_.s_axil_wvalid &&
         !pins_.s_axil_arvalid && !pins_.s_axil_bready && !pins_.s_axil_rready;
}

void RtlAccelerator::wake() {
  if (!asleep_) return;
  edge_.notify(to_sc_time(edge_after(now()) - now()));
}

}  // namespace corank
