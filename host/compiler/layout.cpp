#include "host/compiler/layout.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::size_t kRows = kLayoutDimensions - 2, kColumns = kLayoutDimensions - 1;
constexpr std::size_t kBatch = 0, kHeads = 1, kRepetitions = 2;

std::int64_t bytes_of_element(const TensorLayout& layout) { return bits_of(layout.format) / 8; }

/// In the stored matrix, bytes.
std::int64_t place_of(const TensorLayout& layout, std::int64_t row, std::int64_t column) {
  return (column / layout.panel_columns() * layout.stored_rows + row) * kPanelRowBytes +
         column % layout.panel_columns() * bytes_of_element(layout);
}

/// Calls copy(offset in the tensor's bytes, offset in the stored matrix, size) for pieces of the
/// value that are contiguous in both.
template <class Copy>
void for_each_piece(const TensorLayout& layout, Copy copy) {
  const std::int64_t size = bytes_of_element(layout);
  const LayoutDimension& last = layout.dimensions[kColumns];
  const bool along_row = last.row_stride == 0 && last.column_stride == 1;
  std::int64_t outer = 1;
  for (std::size_t d = 0; d < kColumns; ++d) outer *= layout.dimensions[d].extent;
  for (std::int64_t i = 0; i < outer; ++i) {
    std::int64_t row = layout.first_row, column = layout.first_column, rest = i;
    for (std::size_t d = kColumns; d-- > 0;) {
      const LayoutDimension& dimension = layout.dimensions[d];
      row += rest % dimension.extent * dimension.row_stride;
      column += rest % dimension.extent * dimension.column_stride;
      rest /= dimension.extent;
    }
    for (std::int64_t j = 0, count = 1; j < last.extent; j += count) {
      const std::int64_t at = column + j * last.column_stride;
      if (along_row)
        count = std::min(last.extent - j, layout.panel_columns() - at % layout.panel_columns());
      copy(static_cast<std::size_t>((i * last.extent + j) * size),
           static_cast<std::size_t>(place_of(layout, row + j * last.row_stride, at)),
           static_cast<std::size_t>(count * size));
    }
  }
}

// I64 as integers of 32 bits.
std::vector<std::byte> narrowed(const Tensor& tensor) {
  const auto count = static_cast<std::size_t>(element_count(tensor.shape));
  std::vector<std::byte> bytes(count * sizeof(std::int32_t));
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t number = tensor.data<std::int64_t>()[i];
    const auto narrow = static_cast<std::int32_t>(number);
    if (narrow != number)
      throw InputError("expected an integer of at most 32 bits, found " + std::to_string(number));
    std::memcpy(&bytes[i * sizeof narrow], &narrow, sizeof narrow);
  }
  return bytes;
}

}  // namespace

int bits_of(ElementFormat format) {
  switch (format) {
    case ElementFormat::kBf16:
      return 16;
    case ElementFormat::kFp32:
    case ElementFormat::kInt32:
      return 32;
  }
  return 0;  // not reached: every format stands above
}

ElementFormat format_of(DType dtype) {
  if (dtype == DType::BF16) return ElementFormat::kBf16;
  return dtype == DType::F32 ? ElementFormat::kFp32 : ElementFormat::kInt32;
}

std::int64_t TensorLayout::rows() const {
  if (is_transposed()) return dimensions[kColumns].extent;
  std::int64_t rows = 1;
  for (std::size_t d = 0; d <= kRows; ++d) rows *= dimensions[d].extent;
  return rows;
}

std::int64_t TensorLayout::rows_together() const {
  if (is_transposed()) return rows();
  std::int64_t rows = dimensions[kRows].extent;
  for (std::size_t d = kRows; d-- > 0;) {
    const LayoutDimension& dimension = dimensions[d];
    if (dimension.extent == 1) continue;
    if (dimension.row_stride != rows || dimension.column_stride != 0) break;
    rows *= dimension.extent;
  }
  return rows;
}

std::uint64_t TensorLayout::panel_row_address(std::int64_t row, std::int64_t column) const {
  std::int64_t stored_row = first_row, stored_column = first_column + column;
  if (is_transposed()) {
    stored_row += row;
  } else {
    for (std::size_t d = kColumns; d-- > 0;) {
      const LayoutDimension& dimension = dimensions[d];
      stored_row += row % dimension.extent * dimension.row_stride;
      stored_column += row % dimension.extent * dimension.column_stride;
      row /= dimension.extent;
    }
  }
  return address + static_cast<std::uint64_t>(stored_column / panel_columns()) * panel_stride() +
         static_cast<std::uint64_t>(stored_row * kPanelRowBytes);
}

TensorLayout layout_of(DType dtype, std::int64_t rows, std::int64_t columns, bool may_transpose) {
  TensorLayout layout;
  layout.format = format_of(dtype);
  const bool transpose = may_transpose && columns < kPanelColumns && columns < rows;
  layout.stored_rows = transpose ? columns : rows;
  layout.stored_columns = transpose ? rows : columns;
  layout.dimensions[kRows] = {layout.stored_rows, 1, 0};
  layout.dimensions[kColumns] = {layout.stored_columns, 0, 1};
  return transpose ? transposed(layout) : layout;
}

TensorLayout transposed(TensorLayout layout) {
  std::swap(layout.dimensions[kRows], layout.dimensions[kColumns]);
  return layout;
}

TensorLayout sliced(TensorLayout layout, std::size_t axis, std::int64_t begin,
                    std::int64_t length) {
  LayoutDimension& dimension = layout.dimensions.at(kColumns - axis);
  layout.first_row += begin * dimension.row_stride;
  layout.first_column += begin * dimension.column_stride;
  dimension.extent = length;
  return layout;
}

TensorLayout split_into_heads(TensorLayout layout, std::int64_t batch, std::int64_t heads) {
  LayoutDimension& rows = layout.dimensions[kRows];
  LayoutDimension& columns = layout.dimensions[kColumns];
  rows.extent /= batch;
  columns.extent /= heads;
  layout.dimensions[kBatch] = {batch, rows.extent * rows.row_stride,
                               rows.extent * rows.column_stride};
  layout.dimensions[kHeads] = {heads, columns.extent * columns.row_stride,
                               columns.extent * columns.column_stride};
  return layout;
}

TensorLayout with_repeated_heads(TensorLayout layout, std::int64_t times) {
  layout.dimensions[kRepetitions] = {times, 0, 0};
  return layout;
}

bool is_inside(const TensorLayout& layout) {
  std::int64_t row = layout.first_row, column = layout.first_column;
  for (const LayoutDimension& dimension : layout.dimensions) {
    if (dimension.extent < 1 || dimension.row_stride < 0 || dimension.column_stride < 0)
      return false;
    row += (dimension.extent - 1) * dimension.row_stride;
    column += (dimension.extent - 1) * dimension.column_stride;
  }
  return layout.first_row >= 0 && layout.first_column >= 0 && row < layout.stored_rows &&
         column < layout.stored_columns;
}

bool has_own_places(const TensorLayout& layout) {
  return std::none_of(layout.dimensions.begin(), layout.dimensions.end(), [](const auto& d) {
    return d.extent > 1 && d.row_stride == 0 && d.column_stride == 0;
  });
}

std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout) {
  return pack(tensor.dtype == DType::I64 ? narrowed(tensor) : tensor.bytes, layout);
}

std::vector<std::uint8_t> pack(const std::vector<std::byte>& elements, const TensorLayout& layout) {
  std::vector<std::uint8_t> bytes(layout.bytes());
  for_each_piece(layout, [&](std::size_t element, std::size_t place, std::size_t size) {
    std::memcpy(&bytes[place], &elements[element], size);
  });
  return bytes;
}

std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout, std::int64_t row,
                               std::int64_t column) {
  std::vector<std::uint8_t> bytes(layout.bytes());
  const std::int64_t size = bytes_of_element(layout);
  for (std::int64_t i = 0; i < layout.rows(); ++i) {
    for (std::int64_t j = 0; j < layout.columns(); j += layout.panel_columns()) {
      const std::int64_t count = std::min(layout.panel_columns(), layout.columns() - j);
      const std::int64_t element = (row + i) * tensor.columns() + column + j;
      std::memcpy(&bytes[static_cast<std::size_t>(place_of(layout, i, j))],
                  &tensor.bytes[static_cast<std::size_t>(element * size)],
                  static_cast<std::size_t>(count * size));
    }
  }
  return bytes;
}

Tensor unpack(const std::vector<std::uint8_t>& bytes, const TensorLayout& layout, DType dtype,
              const Shape& shape) {
  Tensor tensor(dtype, shape);
  for_each_piece(layout, [&](std::size_t element, std::size_t place, std::size_t size) {
    std::memcpy(&tensor.bytes[element], &bytes[place], size);
  });
  return tensor;
}

}  // namespace corank
