// The verilated accelerator as a SystemC module with TLM-2.0 sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/machine/machine.h"
#include "sim/platform/axi_checker.h"
#include "sim/platform/axi_memory_side.h"
#include "sim/platform/configuration.h"
#include "sim/platform/control_side.h"
#include "sim/platform/failure.h"
#include "sim/platform/request_port.h"
#include "sim/platform/statistics.h"
#include "sim/platform/trace_recorder.h"
#include "tlm_utils/simple_target_socket.h"

namespace corank {

struct AcceleratorConfig {
  std::string machine_library;
  MachineShape shape;
  double clock_mhz = 1000;
  StallConfig stalls;
  FaultConfig faults;
  std::string wave_file;  // empty: none
  bool trace = false;
};

/// Clock edge n (from 1) is at n periods; reset is over before time 0. A failure (a broken
/// protocol, a failed assertion, a register that does not answer) is raised as MachineError, and
/// the clock stops.
class Accelerator : public sc_core::sc_module {
 public:
  RequestPort memory;
  tlm_utils::simple_target_socket<Accelerator> control;  // 4-byte accesses, byte offsets
  sc_core::sc_out<bool> interrupt;

  Accelerator(const sc_core::sc_module_name& name, const AcceleratorConfig& config,
              Failure& failure);

  Femtoseconds period() const { return period_; }
  /// Edges that were evaluated: an idle machine, whose state does not change, is not.
  std::int64_t evaluated_cycles() const { return evaluated_; }
  const AxiStatistics& axi() const { return memory_side_.statistics(); }
  InjectionStatistics injections() const;
  std::vector<TraceEvent> take_trace() { return recorder_.take(); }

 private:
  tlm::tlm_sync_enum request(tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void answer(tlm::tlm_generic_payload& transaction);
  void rising_edge();
  void clock();
  bool quiet() const;
  void wake();

  Failure& failure_;
  bool trace_;
  bool may_sleep_;
  Femtoseconds period_;
  sc_core::sc_time to_next_edge_;  // period_, made once: it is needed every clock
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
  bool interrupted_ = false;
  bool asleep_ = false;
  std::int64_t quiet_cycles_ = 0;
  std::int64_t next_comparison_;
};

}  // namespace corank
