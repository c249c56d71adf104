#include "sim/cycle/weight_decoder.h"

#include <algorithm>
#include <cstring>

#include "models/base/numerics.h"
#include "models/quantized/decode.h"

namespace corank::cycle_model {
namespace {

using namespace interface;

constexpr std::uint32_t kPanelColumns = kPanelColumnsBf16;

std::uint64_t ceil_of(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

DType number_of(std::uint32_t number) {
  if (number == kNumberFp16) return DType::F16;
  return number == kNumberBf16 ? DType::BF16 : DType::F32;
}

StorageFormat format_of(const LoadQuantizedCommand& command) {
  StorageFormat format;
  format.code = std::array{ElementCode::kNf4, ElementCode::kFp4, ElementCode::kUnsigned4,
                           ElementCode::kSigned8}[command.element];
  format.arithmetic = number_of(command.arithmetic);
  format.minimums = command.minimums != 0;
  return format;
}

template <class Number>
Number number_at(const std::uint8_t* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

/// log2 of the bytes of one scale with what stands beside it.
std::uint32_t entry_bits(const LoadQuantizedCommand& command) {
  if (command.scale == kNumberNested) return 0;
  const std::uint32_t beside = command.zeros | command.minimums;
  return (command.scale == kNumberFp32 ? 2 : 1) + beside;
}

BlockScale entry_scale(const LoadQuantizedCommand& command, const std::uint8_t* entry,
                       std::uint32_t position, const ScaleTables& tables) {
  BlockScale scale;
  const std::size_t half = (std::size_t{1} << entry_bits(command)) / 2;
  if (command.scale == kNumberNested) {
    const std::uint32_t nested = position / kNestedElements % kDecoderNestedWords;
    scale.scale =
        nested_scale(float_from_bits(tables.map[*entry]), float_from_bits(tables.nested[nested]),
                     float_from_bits(command.offset));
  } else if (command.scale == kNumberFp32) {
    scale.scale = number_at<float>(entry);
  } else {
    const auto bits = number_at<std::uint16_t>(entry);
    scale.scale = command.scale == kNumberBf16 ? widen(bits) : widen_f16(bits);
  }
  if (command.minimums != 0) scale.minimum = widen_f16(number_at<std::uint16_t>(entry + half));
  const std::uint32_t zero = command.zeros != 0 ? entry[half] : command.zero;
  scale.zero = static_cast<int>(zero ^ 0x80u) - 0x80;  // 8 bits with a sign
  return scale;
}

}  // namespace

void ScaleTables::write(bool to_map, std::uint64_t first, const std::uint8_t* data,
                        std::uint64_t count) {
  std::uint32_t* table = to_map ? map.data() : nested.data();
  const std::uint64_t words = to_map ? map.size() : nested.size();
  for (std::uint64_t i = 0; i < count && first + i < words; ++i)
    table[first + i] = number_at<std::uint32_t>(data + i * sizeof(std::uint32_t));
}

std::uint32_t PackedBlock::record_bits() const { return entry_bits(command) + command.two_scales; }

std::uint64_t PackedBlock::panel_bytes() const {
  const std::uint64_t rows = command.rows;
  return kPackedUnitBytes * (ceil_of(rows, group_rows()) + (wide() ? rows : ceil_of(rows, 2)));
}

void PackedBlock::to_local(LocalMemory<std::uint16_t>& scratchpad, const std::uint8_t* bytes,
                           const ScaleTables& tables) const {
  const FloatEnvironment environment;
  const StorageFormat format = format_of(command);
  const std::uint32_t row_bytes = wide() ? kPanelColumns : kPanelColumns / 2;
  const std::uint32_t group_bytes = kPackedUnitBytes + group_rows() * row_bytes;
  const std::uint32_t block = 1u << command.block_bits, lanes = scratchpad.lanes();
  for (std::uint32_t panel = 0; panel < panels(); ++panel) {
    const std::uint32_t columns = std::min(command.columns - panel * kPanelColumns, kPanelColumns);
    for (std::uint32_t row = 0; row < command.rows; ++row) {
      const std::uint8_t* group =
          bytes + panel * panel_bytes() + std::uint64_t{row / group_rows()} * group_bytes;
      const std::uint8_t* record = group + (row % group_rows() << record_bits());
      const std::uint8_t* codes = group + kPackedUnitBytes + row % group_rows() * row_bytes;
      const std::uint32_t position =
          command.position + row * command.row_elements + panel * kPanelColumns;
      std::array<BlockScale, 2> scales{entry_scale(command, record, position, tables), {}};
      std::uint32_t first = kPanelColumns;  // columns of the first scale
      if (command.two_scales != 0) {
        const std::size_t entry = std::size_t{1} << entry_bits(command);
        scales[1] = entry_scale(command, record + entry, position + kPanelColumns, tables);
        first = block - position % block;
      }
      for (std::uint32_t column = 0; column < columns; ++column) {
        const std::uint32_t at = panel * kPanelColumns + column;
        const std::uint64_t line =
            command.line + std::uint64_t{at / lanes} * command.line_stride + row;
        if (line >= scratchpad.lines()) continue;
        const unsigned code = wide() ? codes[column] : codes[column / 2] >> (column % 2 * 4) & 0xFu;
        scratchpad.line(static_cast<std::uint32_t>(line))[at % lanes] =
            round_to_bf16(element_of(format, scales[column < first ? 0 : 1], code));
      }
    }
  }
}

WeightDecoder::WeightDecoder(int beat_bytes, std::uint32_t lanes, std::uint32_t lines)
    : lanes_(lanes),
      lines_(lines),
      unit_beats_(kPackedUnitBytes / static_cast<std::uint32_t>(beat_bytes)),
      narrow_parts_(std::max(1u, static_cast<std::uint32_t>(beat_bytes) * 2 / lanes)),
      wide_parts_(std::max(1u, static_cast<std::uint32_t>(beat_bytes) / lanes)),
      narrow_pieces_(std::max(1u, lanes / 2 / static_cast<std::uint32_t>(beat_bytes))),
      wide_pieces_(std::max(1u, lanes / static_cast<std::uint32_t>(beat_bytes))) {}

void WeightDecoder::clear() {
  buffered_ = unit_beat_ = part_ = row_ = column_ = 0;
  head_valid_ = finished_ = done_waits_ = false;
  state_ = State::kScales;
  lines_on_way_.fill({});
  on_way_ = 0;
}

void WeightDecoder::look(const PackedBlock* block) {
  block_ = block;
  leaves_ = issues_ = collects_ = row_ends_ = group_ends_ = panel_ends_ = block_ends_ = false;
  // The line of kLatency cycles ago stands where that of this cycle will be, the one that is
  // written in the next cycle behind it.
  written_ = {};
  last_comes_ = done_waits_;
  if (on_way_ != 0) {
    const Line& oldest = lines_on_way_[newest_];
    if (oldest.valid) written_ = oldest;
    const Line& next = lines_on_way_[(newest_ + 1) % kLatency];
    last_comes_ = last_comes_ || (next.valid && next.last);
  }
  done_ = last_comes_ && state_ != State::kDrop;
  if (!head_valid_) return;
  if (state_ == State::kDrop) {
    leaves_ = true;
    return;
  }
  if (block_ == nullptr || finished_) return;
  if (state_ == State::kScales) {
    leaves_ = true;
    return;
  }
  const interface::LoadQuantizedCommand& command = block_->command;
  const bool last_part = part_ == parts() * pieces() - 1;
  collects_ = !last_part && pieces() != 1;
  issues_ = !collects_;
  if (collects_) {
    leaves_ = true;
    return;
  }
  row_ends_ = (column_ + lanes_) % kPanelColumns == 0;
  group_ends_ = row_ends_ && (row_ + 1) % block_->group_rows() == 0;
  panel_ends_ = row_ends_ && row_ + 1 == command.rows;
  block_ends_ = panel_ends_ && column_ + lanes_ >= command.columns;
  leaves_ = last_part || panel_ends_;
}

void WeightDecoder::next_line() {
  Line& line = lines_on_way_[newest_];
  line = {};
  if (!issues_) return;
  const interface::LoadQuantizedCommand& command = block_->command;
  line.valid = true;
  line.last = block_ends_;
  line.count = column_ < command.columns ? std::min(lanes_, command.columns - column_) : 0;
  line.line = command.line + std::uint64_t{column_ / lanes_} * command.line_stride + row_;
  column_ += lanes_;
  if (block_ends_) {
    row_ = column_ = 0;
  } else if (panel_ends_) {
    row_ = 0;
  } else if (row_ends_) {
    ++row_;
    column_ -= kPanelColumns;
  }
}

void WeightDecoder::step(bool beat) {
  const bool unit_ends = unit_beat_ == unit_beats_ - 1;
  const bool last_part = (collects_ || issues_) && part_ == parts() * pieces() - 1;
  if (on_way_ != 0 && lines_on_way_[newest_].valid) --on_way_;
  if (issues_) ++on_way_;
  next_line();
  newest_ = (newest_ + 1) % kLatency;

  if (collects_ || issues_) part_ = last_part || panel_ends_ ? 0 : part_ + 1;
  if (state_ == State::kCodes) {
    if (panel_ends_ && !unit_ends) {
      state_ = State::kDrop;
    } else if (panel_ends_ || group_ends_) {
      state_ = State::kScales;
    }
  } else if (leaves_ && unit_ends) {
    state_ = state_ == State::kScales ? State::kCodes : State::kScales;
  }
  if (leaves_) unit_beat_ = unit_ends ? 0 : unit_beat_ + 1;
  finished_ = block_ends_ || (finished_ && !done_);
  done_waits_ = last_comes_ && !done_;

  const bool read = buffered_ != 0 && (!head_valid_ || leaves_);
  head_valid_ = read || (head_valid_ && !leaves_);
  buffered_ += (beat ? 1 : 0) - (read ? 1 : 0);
}

}  // namespace corank::cycle_model
