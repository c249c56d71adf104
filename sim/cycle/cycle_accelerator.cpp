#include "sim/cycle/cycle_accelerator.h"

#include "sim/platform/sanitizer.h"

namespace corank {

using cycle_model::Cycle;

CycleAccelerator::CycleAccelerator(const sc_core::sc_module_name& name,
                                   const AcceleratorConfig& config, bool values, Failure& failure)
    : Accelerator(name, config.clock_mhz),
      failure_(failure),
      trace_(config.trace),
      stalls_(config.stalls),
      port_(memory, config.shape.axi_data_bits / 8, config.stalls, config.faults),
      device_(config.shape, values, port_),
      control_side_(stalls_,
                    [this](tlm::tlm_generic_payload& transaction) { answer(transaction); }),
      recorder_(config.on_event) {
  SC_HAS_PROCESS(CycleAccelerator);
  SC_METHOD(edge);
  dont_initialize();
  sensitive << edge_;
}

AxiStatistics CycleAccelerator::axi() const {
  return port_.statistics(static_cast<Cycle>(now() / period()) - cycle_);
}

InjectionStatistics CycleAccelerator::injections() const {
  InjectionStatistics all = port_.injections();
  all += control_side_.injections();
  return all;
}

void CycleAccelerator::access(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) {
  control_side_.push(transaction, arrival);
  wake(arrival);
}

void CycleAccelerator::complete(Transaction& transaction, Femtoseconds when) {
  if (port_.complete(transaction, when)) wake(when);
}

// An earlier notification of an event replaces a later one, and a later one is ignored.
void CycleAccelerator::wake(Femtoseconds when) {
  edge_.notify(to_sc_time(edge_after(when) - now()));
}

void CycleAccelerator::edge() {
  tell_sanitizer_own_stack();
  try {
    evaluate(static_cast<Cycle>(now() / period()));
  } catch (...) {
    failure_.raise(std::current_exception());
    return;
  }
  const Cycle next = control_side_.idle() ? device_.next() : cycle_ + 1;
  if (next == cycle_model::kNever) return;
  edge_.notify(to_sc_time(static_cast<Femtoseconds>(next) * period() - now()));
}

void CycleAccelerator::evaluate(Cycle cycle) {
  cycle_ = cycle;
  ++evaluated_;
  const Femtoseconds edge = now();
  control_side_.drive(pins_, cycle, edge);
  device_.evaluate(cycle, edge, pins_);
  control_side_.sample(pins_);
  const bool traced =
      pins_.trace_issue_valid || pins_.trace_start_valid != 0 || pins_.trace_end_valid != 0;
  if (trace_ && traced) recorder_.record(pins_, cycle);
  drive_interrupt(pins_.irq);
}

}  // namespace corank
