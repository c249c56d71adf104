// The master at the accelerator's AXI4-Lite port: register accesses, one at a time, in the order
// they came.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <tlm>
#include <utility>

#include "sim/machine/pins.h"
#include "sim/platform/duration.h"
#include "sim/platform/stall_pattern.h"
#include "sim/platform/statistics.h"

namespace corank {

/// An access that arrives at time t is offered in the first cycle whose edge is strictly after t,
/// address and data of a write together; it is answered at the edge of its response's handshake.
class ControlSide {
 public:
  using Answer = std::function<void(tlm::tlm_generic_payload&)>;

  ControlSide(const StallPattern& stalls, Answer answer)
      : stalls_(stalls), answer_(std::move(answer)) {}

  /// A transaction of 4 bytes, already acquired.
  void push(tlm::tlm_generic_payload& transaction, Femtoseconds arrival) {
    waiting_.push_back({&transaction, arrival});
  }

  /// The pins before the edge of `cycle`, at time `edge`. Throws MachineError if an access is not
  /// answered for ages.
  void drive(MachinePins& pins, std::int64_t cycle, Femtoseconds edge);
  void sample(const MachinePins& pins);

  bool idle() const { return waiting_.empty(); }
  const InjectionStatistics& injections() const { return injections_; }

 private:
  struct Access {
    tlm::tlm_generic_payload* transaction;
    Femtoseconds arrival;
  };

  bool offer(bool offered, Channel channel, std::int64_t cycle);
  bool ready(bool waits, Channel channel, std::int64_t cycle);
  void finish(std::uint8_t response);

  const StallPattern& stalls_;
  Answer answer_;
  std::deque<Access> waiting_;  // the first is the one at hand, once started
  std::int64_t started_ = -1;   // cycle; -1: none is at hand
  bool address_done_ = false;
  bool data_done_ = false;
  InjectionStatistics injections_;
};

}  // namespace corank
