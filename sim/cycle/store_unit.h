// The store unit: local memory to memory (rtl/dma/store_unit.sv).
#pragma once

#include <array>
#include <deque>

#include "sim/cycle/axi_port.h"
#include "sim/cycle/block.h"
#include "sim/cycle/burst_generator.h"
#include "sim/cycle/indexed_rows.h"
#include "sim/cycle/local_memory.h"
#include "sim/cycle/ring.h"
#include "sim/cycle/types.h"

namespace corank::cycle_model {

class StoreUnit {
 public:
  /// `values`: whether data is taken from the local memories; else no byte of memory is changed.
  StoreUnit(int beat_bytes, bool values, LocalMemories& local, const IndexMemory& indices);

  void look(bool stop, const AxiPort& port);
  /// The data of the burst whose last beat goes in this cycle; before step().
  void fill(Transaction& transaction) const;
  /// `command`: taken in this cycle, or null. Returns whether the next cycle is more than another
  /// read and another W beat.
  bool step(const QueuedCommand* command, const DmaLimits& limits, Counters& counters);
  void skip(Cycle cycles, Counters& counters);
  /// After step() of `cycle`: the cycle of the last read of a command, or of the last beat of a
  /// burst, whichever comes first by itself.
  Cycle next(Cycle cycle) const;
  /// Brings the counters to what they are for a read in the cycle that is looked at.
  void synchronise(Counters& counters);
  void reset();

  // The present cycle, after look().
  bool ready() const {
    return !bursts_.busy() && !rows_.busy() && held_.size() < kHeld && !halted_;
  }
  const AxiAddress& aw() const { return aw_; }
  bool w_valid() const { return w_valid_; }
  bool w_last() const { return w_valid_ && sent_ + 1 == sending_.front().beats; }
  bool w_take() const { return w_take_; }
  Completion completion() const;
  interface::Activity activity() const;
  std::uint32_t current_index() const;
  const UnitFault& fault() const { return fault_; }
  /// With a fault the command that it is of; else the command that a local read which takes place
  /// in this cycle is of.
  std::uint32_t fault_index() const { return fault_.valid() ? fault_index_ : read_index_; }
  /// A read that takes place in this cycle, beyond the end of a local memory.
  bool local_range() const { return beyond_; }
  std::uint64_t local_line() const { return beyond_line_; }
  bool idle() const;

 private:
  static constexpr std::size_t kHeld = interface::kStoresHeld,
                               kMostInFlight = interface::kBurstsOutstanding;
  static constexpr std::uint32_t kReadAhead = interface::kStoreReadAhead;
  // TileReadLatency of rtl/common/accelerator_pkg.sv.
  static constexpr std::size_t kReadLatency = 3;

  // What must be known of a command when it is read.
  struct Placement {
    std::uint32_t index = 0;
    Block block;
    std::uint64_t beats = 0;
    std::uint64_t first_beyond = 0;  // the first beat without a place in the local memory
  };
  // A burst that has been cut, until its last W beat.
  struct Sending {
    Block block;
    std::uint64_t first = 0, beats = 0;  // of the block
  };
  struct InFlight {
    std::uint64_t address = 0;
    bool last = false;  // of its command
  };

  void note_beyond();
  void announce(const Cut& cut);
  void take(const QueuedCommand& command);
  void count_bytes(std::uint64_t beats, Counters& counters);

  std::uint64_t beat_bytes_;
  bool values_;
  LocalMemories& local_;

  IndexedRows rows_;
  BurstGenerator bursts_;
  Block cutting_;                // whose bursts are being cut
  std::uint64_t cut_beats_ = 0;  // of it
  std::deque<Placement> placements_;
  Ring<Completion> held_{kHeld};
  AxiAddress aw_;
  Ring<InFlight> in_flight_;
  std::deque<Sending> sending_;
  std::uint64_t read_beats_ = 0;              // of the first placement
  std::uint64_t counted_beats_ = 0;           // of it, whose bytes have been counted
  std::array<bool, kReadLatency> reading_{};  // by the cycles since their request, from one on
  std::uint32_t ready_beats_ = 0;
  std::uint64_t sent_ = 0;          // beats of the burst at hand
  std::uint64_t sent_without_ = 0;  // of them, without data: the unit has halted
  Completion completion_;
  bool faulted_ = false;
  UnitFault fault_;
  std::uint32_t cut_index_ = 0;  // of the command taken last, whose bursts are cut
  std::uint32_t fault_index_ = 0;
  // Of the read that was requested in the cycle before.
  std::uint32_t read_index_ = 0;
  bool beyond_ = false;
  std::uint64_t beyond_line_ = 0;

  // The present cycle.
  bool stop_ = false, halted_ = false, read_ = false;
  bool w_valid_ = false, w_take_ = false;
  bool aw_ready_ = false;
  bool response_ = false, response_okay_ = false;
};

}  // namespace corank::cycle_model
