#include "sim/cycle/command_processor.h"

#include <cstring>

namespace corank::cycle_model {

namespace {

using interface::Activity;
using interface::Fault;

// Sizes and lines are 24 bits wide inside the units.
bool is_line(std::uint32_t value) { return value < 1u << 24; }
bool is_size(std::uint32_t value) { return value != 0 && is_line(value); }
bool is_aligned(std::uint32_t value) { return value % kPanelRowBytes == 0; }

// A unit waits only for the tokens given to it and signals only its own.
bool own_tokens(const QueuedCommand& command, int unit) {
  return (command.wait_tokens() & ~(0x1111u << unit)) == 0 &&
         (command.signal_tokens() & ~(0xfu << 4 * unit)) == 0;
}

template <class Dma>
bool dma_is_good(const Dma& dma, std::uint32_t last_target) {
  return dma.target <= last_target && is_aligned(dma.address_lo) && is_aligned(dma.panel_stride) &&
         is_size(dma.rows) && is_size(dma.columns) && is_line(dma.line) && is_line(dma.line_stride);
}

template <class Indexed>
bool indexed_is_good(const Indexed& indexed) {
  return dma_is_good(indexed, interface::kTargetAccumulator) &&
         indexed.rows <= interface::kIndexWords && is_aligned(indexed.row_pitch) &&
         indexed.limit != 0;
}

bool quantized_is_good(const interface::LoadQuantizedCommand& load) {
  const bool nested = load.scale == interface::kNumberNested,
             sixteen = load.scale == interface::kNumberFp16 || load.scale == interface::kNumberBf16;
  return load.address_lo % interface::kPackedUnitBytes == 0 &&
         load.panel_stride % interface::kPackedUnitBytes == 0 && is_size(load.rows) &&
         is_size(load.columns) && is_line(load.line) && is_line(load.line_stride) &&
         load.arithmetic != interface::kNumberNested &&
         !(load.zeros != 0 && (nested || load.minimums != 0)) && (load.minimums == 0 || sixteen) &&
         load.block_bits >= 5 && (!nested || load.block_bits == 6);
}

bool scales_is_good(const interface::LoadScalesCommand& load) {
  return is_aligned(load.address_lo) && is_size(load.rows) && is_line(load.first);
}

bool gemm_is_good(const interface::GemmCommand& gemm) {
  return is_size(gemm.rows) && is_size(gemm.columns) && is_size(gemm.depth) &&
         is_line(gemm.stream_line) && is_line(gemm.stream_stride) &&
         is_line(gemm.stationary_line) && is_line(gemm.stationary_stride) &&
         is_line(gemm.accumulator_line) && is_line(gemm.accumulator_stride);
}

// Along a line beats begin where they do in a line.
bool stream_is_good(std::uint32_t word, std::uint32_t column, const MachineShape& shape) {
  return column < static_cast<std::uint32_t>(memory_lanes(shape)) &&
         (interface::decode_stream_word(word).transposed ||
          column % static_cast<std::uint32_t>(shape.vector_lanes) == 0);
}

bool vector_is_good(const interface::VectorCommand& vector, const MachineShape& shape) {
  return vector.walk <= interface::kWalkAcross && vector.length != 0 && is_size(vector.rows) &&
         is_size(vector.columns) && stream_is_good(vector.stream0, vector.column0, shape) &&
         stream_is_good(vector.stream1, vector.column1, shape) &&
         stream_is_good(vector.stream2, vector.column2, shape) &&
         stream_is_good(vector.stream3, vector.column3, shape);
}

// The queue of a command that has one.
int unit_of(std::uint32_t opcode) {
  switch (opcode) {
    case interface::LoadCommand::kOpcode:
    case interface::GatherCommand::kOpcode:
    case interface::LoadQuantizedCommand::kOpcode:
    case interface::LoadScalesCommand::kOpcode:
      return kLoad;
    case interface::GemmCommand::kOpcode:
      return kArray;
    case interface::VectorCommand::kOpcode:
      return kVector;
    case interface::StoreCommand::kOpcode:
    case interface::ScatterCommand::kOpcode:
      return kStore;
    default:
      return -1;
  }
}

}  // namespace

Fault command_fault(const QueuedCommand& command, const MachineShape& shape) {
  if (command.version() != interface::kInterfaceVersion) return Fault::kBadVersion;
  const interface::CommandWords& words = command.words;
  bool good = false;
  switch (command.opcode()) {
    case interface::NopCommand::kOpcode:
    case interface::HaltCommand::kOpcode:
      good = command.wait_tokens() == 0 && command.signal_tokens() == 0;
      break;
    case interface::LoadCommand::kOpcode:
      good = own_tokens(command, kLoad) &&
             dma_is_good(interface::decode_load(words), interface::kTargetIndices);
      break;
    case interface::GatherCommand::kOpcode:
      good = own_tokens(command, kLoad) && indexed_is_good(interface::decode_gather(words));
      break;
    case interface::LoadQuantizedCommand::kOpcode:
      if (shape.decoder == 0) return Fault::kIllegalOpcode;
      good =
          own_tokens(command, kLoad) && quantized_is_good(interface::decode_load_quantized(words));
      break;
    case interface::LoadScalesCommand::kOpcode:
      if (shape.decoder == 0) return Fault::kIllegalOpcode;
      good = own_tokens(command, kLoad) && scales_is_good(interface::decode_load_scales(words));
      break;
    case interface::GemmCommand::kOpcode:
      good = own_tokens(command, kArray) && gemm_is_good(interface::decode_gemm(words));
      break;
    case interface::VectorCommand::kOpcode:
      good = own_tokens(command, kVector) && vector_is_good(interface::decode_vector(words), shape);
      break;
    case interface::StoreCommand::kOpcode:
      good = own_tokens(command, kStore) &&
             dma_is_good(interface::decode_store(words), interface::kTargetAccumulator);
      break;
    case interface::ScatterCommand::kOpcode:
      good = own_tokens(command, kStore) && indexed_is_good(interface::decode_scatter(words));
      break;
    default:
      return Fault::kIllegalOpcode;
  }
  return good ? Fault::kNone : Fault::kBadField;
}

CommandProcessor::CommandProcessor(const MachineShape& shape) : shape_(shape) {
  ar_.id = kFetchId;
  ar_.beats = kCommandBytes / static_cast<std::uint64_t>(shape.axi_data_bits / 8);
}

UnitFault CommandProcessor::find_fault(bool request_in_range) const {
  const Slot& slot = slots_[head_ % kFetchDepth];
  if (in_.ring_long) return {Fault::kRingOverrun, 0};
  if (in_.ring_odd && in_.ring_tail != head_) return {Fault::kBadField, in_.ring_base};
  if (held_) {
    if (slot.error) return {Fault::kFetchError, address_of(head_)};
    if (slot.fault != Fault::kNone) return {slot.fault, 0};
  }
  if (requested_ == head_ && in_.ring_tail != head_ && !request_in_range) {
    return {Fault::kMemoryRange, address_of(head_)};
  }
  return {};
}

void CommandProcessor::look(Cycle cycle, const Inputs& in) {
  in_ = in;
  active_ = in.enable && !in.stop && !faulted_;
  // A beat a cycle leaves the buffer, and its data are there in the cycle after.
  if (buffered() != 0 && held_at_ == kNever) held_at_ = cycle + static_cast<Cycle>(ar_.beats) + 1;
  held_ = cycle >= held_at_;
  in_flight_ = requested_ != received_;
  const bool in_range = address_of(requested_) + kCommandBytes <= in.memory_limit;
  fault_ = active_ ? find_fault(in_range) : UnitFault{};
  may_request_ = active_ && !fault_.valid() && requested_ != in.ring_tail &&
                 requested_ - head_ < kFetchDepth && in_range;

  halt_done_ = advance_ = false;
  unit_ = -1;
  if (!active_ || !held_ || fault_.valid()) return;
  const std::uint32_t opcode = command().opcode();
  unit_ = unit_of(opcode);
  halt_done_ = opcode == interface::HaltCommand::kOpcode && in.units_idle;
  advance_ = unit_ >= 0 ? (in.queues_ready >> unit_ & 1u) != 0
                        : halt_done_ || opcode == interface::NopCommand::kOpcode;
}

Activity CommandProcessor::activity() const {
  // A fault is found, and a command is dispatched, in a busy cycle.
  if (active_ && buffered() != 0) {
    return advance_ || fault_.valid() ? Activity::kBusy : Activity::kLatency;
  }
  if (in_flight_ || (active_ && in_.ring_tail != head_)) return Activity::kWaitMemory;
  return active_ && in_program_ ? Activity::kWaitHost : Activity::kIdle;
}

bool CommandProcessor::step(bool ar_ready, const ReadBeat& beat, Counters& counters) {
  bool changed = advance_ || fault_.valid();
  if (beat.valid && beat.id == kFetchId) {
    ++counters[interface::Counter::kFetchBeats];
    if (beat.last) {
      Slot& slot = slots_[received_ % kFetchDepth];
      slot.command.index = received_;
      std::memcpy(slot.command.words.data(), beat.transaction->bytes.data(), kCommandBytes);
      slot.error = beat.response != 0;
      slot.fault = command_fault(slot.command, shape_);
      ++received_;
      changed = true;
    }
  }
  if (ar_.valid && ar_ready) {
    ++counters[interface::Counter::kFetchBursts];
    ar_.valid = false;
    changed = true;
  }
  if (may_request_ && !ar_.valid) {
    ar_.valid = true;
    ar_.address = address_of(requested_++);
    changed = true;
  }
  if (advance_) {
    ++head_;
    held_at_ = kNever;
    in_program_ = !halt_done_;
  }
  faulted_ = faulted_ || fault_.valid();
  return changed;
}

void CommandProcessor::skip(Cycle cycles, const ReadBeat& beat, Counters& counters) const {
  if (beat.valid && beat.id == kFetchId) {
    counters[interface::Counter::kFetchBeats] += static_cast<std::uint64_t>(cycles);
  }
}

}  // namespace corank::cycle_model
