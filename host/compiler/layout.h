// How a value lies in device memory: in a matrix of panels of 128 bytes a row (64 BF16 or 32 FP32
// columns), each panel's rows one after another. A block of rows of a panel is one contiguous
// piece, whichever way the matrix is used later. A value is the whole matrix, its transpose, or a
// view of it: heads, slices and repetitions differ in their strides alone.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/base/tensor.h"
#include "rtl/interface/interface.h"

namespace corank {

using interface::kPanelRowBytes;
/// BF16 columns of a panel. Blocks begin at whole panels, and no matrix is cut into narrower ones.
inline constexpr std::int64_t kPanelColumns = interface::kPanelColumnsBf16;

/// How one element lies in memory.
enum class ElementFormat { kBf16, kFp32, kInt32 };
int bits_of(ElementFormat format);
/// Of I64 the device has the lower 32 bits.
ElementFormat format_of(DType dtype);

/// How many elements there are along one dimension of a value, and how far apart they are in rows
/// and columns of the stored matrix.
struct LayoutDimension {
  std::int64_t extent = 1, row_stride = 0, column_stride = 0;
};

/// [batch, heads, repetitions of a head, rows, columns], the most that views of attention need.
inline constexpr std::size_t kLayoutDimensions = 5;

struct TensorLayout {
  ElementFormat format = ElementFormat::kBf16;
  std::uint64_t address = 0;                                  // of the stored matrix, bytes
  std::int64_t stored_rows = 0, stored_columns = 0;           // of it
  std::int64_t first_row = 0, first_column = 0;               // in it, of the value's first element
  std::array<LayoutDimension, kLayoutDimensions> dimensions;  // the last one varies fastest

  std::int64_t panel_columns() const { return 8 * kPanelRowBytes / bits_of(format); }
  std::int64_t panels() const { return (stored_columns + panel_columns() - 1) / panel_columns(); }
  std::uint64_t panel_stride() const {
    return static_cast<std::uint64_t>(stored_rows * kPanelRowBytes);
  }
  /// Of the stored matrix.
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(panels()) * panel_stride(); }

  /// Whether the value's last dimension goes down the stored columns.
  bool is_transposed() const { return dimensions.back().row_stride != 0; }
  /// The way in which it is stored: rows of all matrices of the value, and how many of them lie one
  /// below another.
  std::int64_t rows() const;
  std::int64_t rows_together() const;
  std::int64_t columns() const {
    return dimensions[kLayoutDimensions - (is_transposed() ? 2 : 1)].extent;
  }
  /// Of the panel row with this row, counted over all matrices of the value, and column. Bytes.
  std::uint64_t panel_row_address(std::int64_t row, std::int64_t column) const;
};

/// Tall, narrow matrices (fewer columns than a panel, more rows than columns) are stored transposed
/// where that is allowed, so that the padding to whole panels costs nothing: the array reads either
/// orientation at full rate.
TensorLayout layout_of(DType dtype, std::int64_t rows, std::int64_t columns, bool may_transpose);

// Views: other values with the elements of `layout`, which nothing copies.
/// The last two dimensions exchanged.
TensorLayout transposed(TensorLayout layout);
/// Elements [begin, begin + length) along dimension `axis`, counted from the last one, which is 0.
TensorLayout sliced(TensorLayout layout, std::size_t axis, std::int64_t begin, std::int64_t length);
/// A matrix [batch * sequence, heads * D] as [batch * heads, sequence, D], as SplitHeads has it.
/// Seen the other way: where the result of MergeHeads is stored, its operand is this view.
TensorLayout split_into_heads(TensorLayout layout, std::int64_t batch, std::int64_t heads);
/// Heads, each `times` times in succession, as RepeatHeads has it.
TensorLayout with_repeated_heads(TensorLayout layout, std::int64_t times);

/// Every element of the value lies in the stored matrix.
bool is_inside(const TensorLayout& layout);
/// No two elements of the value lie in the same place because of a stride of 0.
bool has_own_places(const TensorLayout& layout);

/// The stored matrix with the elements of a tensor in their places; 0 elsewhere. The tensor has the
/// layout's number of elements, in its format. Throws InputError for an integer of more than 32
/// bits.
std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout);
/// The same of elements in the layout's format, one after another.
std::vector<std::uint8_t> pack(const std::vector<std::byte>& elements, const TensorLayout& layout);
/// The same of a part of a matrix, layout.rows() x layout.columns() from (row, column) on; not
/// transposed.
std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout, std::int64_t row,
                               std::int64_t column);
/// The inverse: a tensor of the shape of the graph's value.
Tensor unpack(const std::vector<std::uint8_t>& bytes, const TensorLayout& layout, DType dtype,
              const Shape& shape);

}  // namespace corank
