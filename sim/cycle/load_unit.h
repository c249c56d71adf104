// The load unit: memory to local memory (rtl/dma/load_unit.sv).
#pragma once

#include "sim/cycle/axi_port.h"
#include "sim/cycle/block.h"
#include "sim/cycle/burst_generator.h"
#include "sim/cycle/indexed_rows.h"
#include "sim/cycle/local_memory.h"
#include "sim/cycle/ring.h"
#include "sim/cycle/types.h"
#include "sim/cycle/vector_program.h"
#include "sim/cycle/weight_decoder.h"

namespace corank::cycle_model {

class LoadUnit {
 public:
  /// `values`: whether data for the local memories is kept; programs and indices are, always.
  LoadUnit(int beat_bytes, bool values, LocalMemories& local, ProgramMemory& program,
           IndexMemory& indices);

  void look(bool stop, const ReadBeat& beat);
  /// `command`: taken in this cycle, or null. Returns whether the next cycle is more than another
  /// beat.
  bool step(const QueuedCommand* command, bool ar_ready, const DmaLimits& limits,
            Counters& counters);
  void skip(Cycle cycles, Counters& counters);
  /// After step() of `cycle`: the cycle of the first beat that has no place, if it comes by itself.
  Cycle next(Cycle cycle) const;
  /// Brings the counters to what they are for a read in the cycle that is looked at.
  void synchronise(Counters& counters);
  void reset();

  // The present cycle, after look().
  bool ready(const QueuedCommand& command) const;
  const AxiAddress& ar() const { return ar_; }
  Completion completion() const;
  interface::Activity activity() const;
  std::uint32_t current_index() const;
  const UnitFault& fault() const { return fault_; }
  /// With a fault the command that it is of; else the command that a write of this cycle is of.
  std::uint32_t fault_index() const;
  /// A write of this cycle beyond the end of a local memory.
  bool local_range() const { return beyond_ || decoder_.beyond(); }
  std::uint64_t local_line() const { return beyond_ ? beyond_line_ : decoder_.line(); }
  bool idle() const;

 private:
  static constexpr std::size_t kWaiting = interface::kLoadsWaiting,
                               kMostInFlight = interface::kBurstsOutstanding;
  static constexpr std::size_t kPackedWaiting = 2;  // commands of packed weights
  // Beyond the targets of a load (rtl/dma/load_unit.sv).
  static constexpr std::uint32_t kToNested = 4, kToMap = 5, kToDecoder = 6;

  // What must be known of a command when its data come.
  struct Placement {
    std::uint32_t index = 0, signal_tokens = 0, target = 0;
    Block block;
    PackedBlock packed;  // for the decoder
    std::uint64_t beats = 0;
    std::uint64_t first_beyond = 0;  // the first beat without a place in the local memory

    bool to_local() const { return target <= interface::kTargetAccumulator; }
  };

  struct Flight {
    std::uint64_t address = 0;
    std::uint32_t index = 0;  // of the command
    bool packed = false;
  };

  void take(const QueuedCommand& command);
  void take_packed(const interface::LoadQuantizedCommand& command, Placement& placement);
  const PackedBlock* decoded_block() const;
  DmaLimits limits_of_cut(const DmaLimits& limits) const;
  bool cut_has_room() const;
  void finish_packed();
  void place_burst(std::uint64_t beats);
  void count_late_bytes(Counters& counters);
  void count_bytes(const Placement& placement, std::uint64_t beats, Counters& counters);

  std::uint64_t beat_bytes_;
  bool values_;
  LocalMemories& local_;
  ProgramMemory& program_;
  IndexMemory& indices_;

  IndexedRows rows_;
  BurstGenerator bursts_;
  Ring<Placement> placements_{kWaiting};  // of commands whose data has not all come
  std::uint64_t beats_ = 0;               // of the first of them, that have come
  std::uint64_t burst_beats_ = 0;         // of the burst that comes
  AxiAddress ar_;
  Ring<Flight> in_flight_;
  Completion writing_, completion_;
  bool faulted_ = false;
  UnitFault fault_;
  std::uint32_t cut_index_ = 0;  // of the command taken last, whose bursts are cut
  bool cut_packed_ = false;      // and whether it is one of packed weights

  WeightDecoder decoder_;
  ScaleTables tables_;
  std::size_t packed_waiting_ = 0;         // commands of packed weights in placements_
  std::uint64_t packed_held_ = 0;          // beats of theirs in flight or in the buffer
  std::vector<std::uint8_t> packed_data_;  // that has come, of those that are not done
  std::uint32_t fault_index_ = 0;

  // Beats whose bytes have been counted, of the first placement, and bytes of the last beat of the
  // one before, which is written in this cycle.
  std::uint64_t counted_beats_ = 0;
  std::uint64_t late_bytes_ = 0;
  std::uint32_t late_target_ = 0;

  // The present cycle.
  bool stop_ = false, halted_ = false;
  ReadBeat beat_;
  bool wrote_ = false;  // the beat of the cycle before is written
  bool beyond_ = false;
  std::uint64_t beyond_line_ = 0;
};

}  // namespace corank::cycle_model
