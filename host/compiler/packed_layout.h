// How a packed weight lies in device memory, where the accelerator decodes it as it is loaded
// (command load_quantized).
//
// The matrix lies in panels of 64 columns, the last one padded with zero codes. A panel is a
// sequence of groups of rows: a unit of 64 bytes with their scales, a record a row, then their
// codes, 32 bytes (4 bits) or 64 bytes (8 bits) a row. A record has one or two entries: a scale
// with its zero or its minimum, in 1, 2, 4 or 8 bytes; so a group has 64 / (bytes of a record)
// rows, from 4 to 64, all powers of two. The last group of a panel may have fewer; its scales take
// a whole unit, and its codes are padded to whole units. Blocks that a command loads begin with a
// group and with a panel: kPackedRows is a multiple of the rows of every group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/compiler/layout.h"
#include "models/quantized/quantized_tensor.h"
#include "rtl/interface/interface.h"

namespace corank {

/// Blocks of packed weights begin at rows that are multiples of this.
inline constexpr std::int64_t kPackedRows = 64;

/// What the accelerator makes of a storage format: what of its command the format and the shape of
/// the whole weight decide (words 10 and 12), or why it does not decode it.
struct DeviceFormat {
  std::optional<interface::LoadQuantizedCommand> fields;
  std::string why_not;  // "expected ..., found ..."
};
DeviceFormat device_format_of(const StorageFormat& format, const Shape& shape);

// Of such fields.
/// Bytes of the scales, zeros and minimums of a row of a panel.
std::int64_t record_bytes(const interface::LoadQuantizedCommand& fields);
/// Rows of a panel whose records are a unit.
std::int64_t group_rows(const interface::LoadQuantizedCommand& fields);
/// Bytes of so many rows of a panel.
std::int64_t panel_bytes(const interface::LoadQuantizedCommand& fields, std::int64_t rows);
/// Bytes that a command loads, of all its panels.
std::int64_t loaded_bytes(const interface::LoadQuantizedCommand& command);
/// Scales are those of double quantization: map and nested scales come from the decoder's tables.
inline bool is_nested(const interface::LoadQuantizedCommand& fields) {
  return fields.scale == interface::kNumberNested;
}

/// A packed matrix in device memory: a whole weight, or a part of one that is a matrix of its own.
struct PackedLayout {
  interface::LoadQuantizedCommand fields;  // with the offset of nested scales
  std::int64_t rows = 0, columns = 0;
  std::uint64_t address = 0;

  std::uint64_t panel_stride() const {
    return static_cast<std::uint64_t>(panel_bytes(fields, rows));
  }
  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>((columns + kPanelColumns - 1) / kPanelColumns) *
           panel_stride();
  }
  /// Of the scales of this row's group; the row begins one, the column a panel.
  std::uint64_t address_of(std::int64_t row, std::int64_t column) const {
    return address + static_cast<std::uint64_t>(column / kPanelColumns) * panel_stride() +
           static_cast<std::uint64_t>(panel_bytes(fields, row));
  }
};

/// Rows and columns of `tensor` from (row, column) on as they lie there; `column` begins a panel of
/// the whole weight. A scale that no element of the layout needs is zero.
std::vector<std::uint8_t> pack(const QuantizedTensor& tensor, const PackedLayout& layout,
                               std::int64_t row = 0, std::int64_t column = 0);

/// Bytes that the nested scales of a weight take in device memory, FP32 numbers in whole rows of
/// panels; 0: there are none.
std::uint64_t nested_table_bytes(const StorageFormat& format, const Shape& shape);
/// And a map.
inline constexpr std::uint64_t kScaleMapBytes = interface::kDecoderMapWords * sizeof(float);

/// FP32 numbers as they lie there, in whole rows of panels.
std::vector<std::uint8_t> pack_table(const std::vector<float>& numbers);

}  // namespace corank
