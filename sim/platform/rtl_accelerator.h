// The verilated accelerator as a SystemC module.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/machine/machine.h"
#include "sim/platform/accelerator.h"
#include "sim/platform/axi_checker.h"
#include "sim/platform/axi_memory_side.h"
#include "sim/platform/control_side.h"
#include "sim/platform/failure.h"
#include "sim/platform/trace_recorder.h"

namespace corank {

/// A failure (a broken protocol, a failed assertion, a register that does not answer) is raised as
/// MachineError, and the clock stops.
class RtlAccelerator : public Accelerator {
 public:
  RtlAccelerator(const sc_core::sc_module_name& name, const AcceleratorConfig& config,
                 Failure& failure);

  std::int64_t evaluated_cycles() const override { return evaluated_; }
  AxiStatistics axi() const override { return memory_side_.statistics(); }
  InjectionStatistics injections() const override;
  std::vector<TraceEvent> take_trace() override { return recorder_.take(); }

 private:
  void access(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) override;
  void complete(Transaction& transaction, Femtoseconds when) override;
  void rising_edge();
  void clock();
  bool quiet() const;
  void wake();

  Failure& failure_;
  bool trace_;
  bool may_sleep_;
  sc_core::sc_time to_next_edge_;  // the period, made once: it is needed every clock
  StallPattern stalls_;
  TransactionPool pool_;
  AxiMemorySide memory_side_;
  ControlSide control_side_;
  AxiChecker checker_;
  TraceRecorder recorder_;
  Machine machine_;
  MachinePins pins_{};

  sc_core::sc_event edge_;
  std::int64_t cycle_ = 0;
  std::int64_t evaluated_ = 0;
  bool asleep_ = false;
  std::int64_t quiet_cycles_ = 0;
  std::int64_t next_comparison_;
};

}  // namespace corank
