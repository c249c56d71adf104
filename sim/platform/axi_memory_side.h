// The slave at the accelerator's AXI4 memory port: pins on one side, one TLM transaction a burst on
// the other.
#pragma once

#include <cstdint>

#include "sim/machine/pins.h"
#include "sim/platform/axi_bursts.h"
#include "sim/platform/configuration.h"
#include "sim/platform/request_port.h"
#include "sim/platform/stall_pattern.h"
#include "sim/platform/statistics.h"
#include "sim/platform/transaction_pool.h"

namespace corank {

/// Each direction takes up to 16 bursts in flight (from the address handshake to the last R beat or
/// B); address ready is low then. Write data is taken from the cycle after its address. Read data
/// comes in whole bursts that never interleave, in the order of the responses but in request order
/// within an ID; so do write responses. What comes from the memory at time t is offered in the
/// first cycle whose edge is strictly after t.
class AxiMemorySide {
 public:
  AxiMemorySide(RequestPort& port, TransactionPool& pool, int beat_bytes,
                const StallPattern& stalls, const FaultConfig& faults)
      : port_(port),
        pool_(pool),
        beat_bytes_(static_cast<std::size_t>(beat_bytes)),
        stalls_(stalls),
        faults_(faults) {}

  /// The pins before the edge of `cycle`, at time `edge`.
  void drive(MachinePins& pins, std::int64_t cycle, Femtoseconds edge);
  /// What the handshakes at that edge do. Where a read and a write start at one edge, the read is
  /// sent first.
  void sample(const MachinePins& pins);
  /// The memory's answer, to be seen strictly after `when`.
  void complete(Transaction& transaction, Femtoseconds when);

  bool idle() const { return reads_.empty() && writes_.empty(); }
  const AxiStatistics& statistics() const { return statistics_; }
  const InjectionStatistics& injections() const { return injections_; }

 private:
  static constexpr std::size_t kNone = AxiBursts::kNone;

  bool held(Channel channel, std::int64_t cycle);
  void sample_reads(const MachinePins& pins);
  void sample_writes(const MachinePins& pins);

  RequestPort& port_;
  TransactionPool& pool_;
  std::size_t beat_bytes_;
  const StallPattern& stalls_;
  FaultConfig faults_;

  AxiBursts reads_, writes_;
  std::size_t filled_ = 0;  // writes whose data is complete: the first ones of writes_
  std::size_t fill_beats_ = 0;
  bool fill_partly_ = false;              // some strobe of the burst being filled is 0
  std::size_t read_at_hand_ = kNone;      // whose beats are being delivered
  std::size_t read_beats_ = 0;            // of it, delivered
  std::size_t response_at_hand_ = kNone;  // whose B is offered
  bool read_offered_ = false;

  AxiStatistics statistics_;
  InjectionStatistics injections_;
  bool held_aw_ = false;
  bool held_w_ = false;
  bool held_ar_ = false;
};

}  // namespace corank
