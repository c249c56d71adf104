// The accelerator as the platform sees it: a SystemC module with TLM-2.0 sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "sim/platform/configuration.h"
#include "sim/platform/duration.h"
#include "sim/platform/request_port.h"
#include "sim/platform/statistics.h"
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
  std::function<void(const TraceEvent&)> on_event;  // with trace; null: the events are kept
};

/// What the verilated accelerator and the cycle model have in common. Clock edge n (from 1) is at n
/// periods; reset is over before time 0.
class Accelerator : public sc_core::sc_module {
 public:
  RequestPort memory;
  tlm_utils::simple_target_socket<Accelerator> control;  // 4-byte accesses, byte offsets
  sc_core::sc_out<bool> interrupt;

  Accelerator(const sc_core::sc_module_name& name, double clock_mhz);

  Femtoseconds period() const { return period_; }
  /// Clock edges that were evaluated: those in which nothing happens need not be.
  virtual std::int64_t evaluated_cycles() const = 0;
  virtual AxiStatistics axi() const = 0;
  virtual InjectionStatistics injections() const = 0;
  virtual std::vector<TraceEvent> take_trace() = 0;
  /// The device's counters at the edge that was evaluated last, in the order of their registers;
  /// empty where they can only be read as the host reads them.
  virtual std::vector<std::uint64_t> counters() { return {}; }

 protected:
  /// An access to the registers, acquired, which arrives at `arrival`; to be answered with
  /// answer().
  virtual void access(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) = 0;
  /// The memory's answer to a transaction sent through `memory`, to be seen strictly after `when`.
  virtual void complete(Transaction& transaction, Femtoseconds when) = 0;
  void answer(tlm::tlm_generic_payload& transaction);
  /// The first clock edge strictly after `time`.
  Femtoseconds edge_after(Femtoseconds time) const { return (time / period_ + 1) * period_; }
  /// The interrupt line, written where it changes.
  void drive_interrupt(bool level);

 private:
  tlm::tlm_sync_enum request(tlm::tlm_generic_payload& transaction, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);

  Femtoseconds period_;
  bool interrupted_ = false;
};

}  // namespace corank
