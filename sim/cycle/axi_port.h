// The AXI4 memory port between the device's units and the memory: the rules of
// sim/platform/README.md, whole bursts at a time.
#pragma once

#include <cstdint>

#include "sim/cycle/types.h"
#include "sim/platform/axi_bursts.h"
#include "sim/platform/duration.h"
#include "sim/platform/stall_pattern.h"
#include "sim/platform/statistics.h"
#include "sim/platform/transaction_sink.h"

namespace corank::cycle_model {

/// An address that is offered.
struct AxiAddress {
  bool valid = false;
  std::uint8_t id = 0;
  std::uint64_t address = 0;
  std::uint64_t beats = 0;
};

/// A read beat. Every reader takes every beat.
struct ReadBeat {
  bool valid = false;
  bool last = false;
  std::uint8_t id = 0;
  std::uint8_t response = 0;  // xRESP; 0 is OKAY
  const Transaction* transaction = nullptr;
};

/// Each cycle: look() says what the memory's side does in it, step() what happens at its edge. In
/// cycles without a change both may be left out for skip(), which moves the beats on.
class AxiPort {
 public:
  AxiPort(TransactionSink& memory, int beat_bytes, const StallConfig& stalls,
          const FaultConfig& faults);

  void look(Cycle cycle, Femtoseconds edge);
  bool ar_ready() const { return ar_ready_; }
  bool aw_ready() const { return aw_ready_; }
  bool w_ready() const { return w_ready_; }
  const ReadBeat& read_beat() const { return beat_; }
  bool response_valid() const { return response_ != kNone; }
  std::uint8_t response() const { return writes_[response_].response; }

  /// The write burst whose data is being sent; to be filled before its last beat's step().
  Transaction& filling() { return *writes_[filled_].transaction; }

  /// Whether anything but the next beat of a burst comes after this cycle.
  bool step(const AxiAddress& ar, const AxiAddress& aw, bool w_valid, bool w_last);

  /// `cycles` cycles like the last one.
  void skip(Cycle cycles);
  /// After step() of `cycle`, without stalls: the cycle of the last beat of the burst at hand.
  Cycle next(Cycle cycle) const;

  /// The memory's answer. Returns whether it may be seen before the burst at hand is over.
  bool complete(Transaction& transaction, Femtoseconds when);

  /// Stalls make every cycle different.
  bool regular() const { return !stalls_.active() || (reads_.empty() && writes_.empty()); }
  bool stalling() const { return stalls_.active(); }
  /// `cycles`: that have passed since the last one and were like it.
  AxiStatistics statistics(Cycle cycles) const;
  const InjectionStatistics& injections() const { return injections_; }

 private:
  static constexpr std::size_t kNone = AxiBursts::kNone;

  bool held(Channel channel, Cycle cycle) const {
    return stalls_.active() && stalls_.held(channel, cycle);
  }
  void count_held(Channel channel) { ++injections_.held_cycles[static_cast<std::size_t>(channel)]; }
  void request_read(const AxiAddress& ar);

  TransactionSink& memory_;
  TransactionPool pool_;
  std::int64_t beat_bytes_;
  StallPattern stalls_;
  FaultConfig faults_;

  AxiBursts reads_, writes_;
  std::size_t read_at_hand_ = kNone;  // whose beats come
  std::uint64_t read_beats_ = 0;      // of it, that have come
  std::size_t filled_ = 0;            // writes whose data is complete: the first ones

  // The present cycle.
  bool ar_held_ = false, aw_held_ = false, w_held_ = false;
  bool ar_ready_ = false, aw_ready_ = false, w_ready_ = false;
  bool w_taken_ = false;
  bool fresh_ = false;  // the burst at hand begins
  ReadBeat beat_;
  std::size_t response_ = kNone;

  AxiStatistics statistics_;
  InjectionStatistics injections_;
};

}  // namespace corank::cycle_model
