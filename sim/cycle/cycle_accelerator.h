// The cycle model as a SystemC module, in the place of the verilated accelerator.
#pragma once

#include <cstdint>
#include <systemc>
#include <vector>

#include "sim/cycle/axi_port.h"
#include "sim/cycle/device.h"
#include "sim/platform/accelerator.h"
#include "sim/platform/control_side.h"
#include "sim/platform/failure.h"
#include "sim/platform/trace_recorder.h"

namespace corank {

/// The same sockets, cycles, counters and results as the verilated accelerator (sim/cycle/README.md
/// says what is left out).
class CycleAccelerator : public Accelerator {
 public:
  /// `values`: whether the tensors are computed; else only the time is right.
  CycleAccelerator(const sc_core::sc_module_name& name, const AcceleratorConfig& config,
                   bool values, Failure& failure);

  std::int64_t evaluated_cycles() const override { return evaluated_; }
  AxiStatistics axi() const override;
  InjectionStatistics injections() const override;
  std::vector<TraceEvent> take_trace() override { return recorder_.take(); }
  std::vector<std::uint64_t> counters() override { return device_.counters(); }

 private:
  void access(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) override;
  void complete(Transaction& transaction, Femtoseconds when) override;
  void edge();
  void evaluate(cycle_model::Cycle cycle);
  /// The first cycle that sees what comes at `when`.
  void wake(Femtoseconds when);

  Failure& failure_;
  bool trace_;
  StallPattern stalls_;
  cycle_model::AxiPort port_;
  cycle_model::Device device_;
  ControlSide control_side_;
  TraceRecorder recorder_;
  MachinePins pins_{};

  sc_core::sc_event edge_;
  cycle_model::Cycle cycle_ = 0;
  std::int64_t evaluated_ = 0;
};

}  // namespace corank
