// The AXI read port's arbiter (rtl/command/axi_read_arbiter.sv).
#pragma once

#include "sim/cycle/axi_port.h"

namespace corank::cycle_model {

/// The fetch goes before the load unit, but an address that was offered and not taken stays.
class ReadArbiter {
 public:
  void look(const AxiAddress& fetch, const AxiAddress& load, bool ready) {
    load_granted_ = held_ ? load_held_ : !fetch.valid;
    offered_ = load_granted_ ? load : fetch;
    ready_ = ready;
  }
  const AxiAddress& offered() const { return offered_; }
  bool fetch_ready() const { return ready_ && !load_granted_; }
  bool load_ready() const { return ready_ && load_granted_; }

  void step() {
    held_ = offered_.valid && !ready_;
    load_held_ = load_granted_;
  }
  void reset() { *this = ReadArbiter(); }

 private:
  bool held_ = false, load_held_ = false;
  bool load_granted_ = false, ready_ = false;  // the present cycle
  AxiAddress offered_;
};

}  // namespace corank::cycle_model
