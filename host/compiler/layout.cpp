#include "host/compiler/layout.h"

#include <algorithm>
#include <cstring>

namespace corank {

TensorLayout layout_of(DType dtype, std::int64_t rows, std::int64_t columns, bool may_transpose) {
  TensorLayout layout;
  layout.dtype = dtype;
  layout.transposed = may_transpose && columns < kPanelColumns && columns < rows;
  layout.rows = layout.transposed ? columns : rows;
  layout.columns = layout.transposed ? rows : columns;
  return layout;
}

namespace {

// Calls copy(offset in the tensor's bytes, offset in the packed bytes, size) for every element.
template <class Copy>
void for_each_element(const TensorLayout& layout, Copy copy) {
  const auto size = static_cast<std::int64_t>(bytes_of(layout.dtype));
  const std::int64_t stride = layout.rows * kPanelRowBytes;
  for (std::int64_t i = 0; i < layout.rows; ++i) {
    for (std::int64_t j = 0; j < layout.columns; ++j) {
      const std::int64_t element = layout.transposed ? j * layout.rows + i : i * layout.columns + j;
      const std::int64_t place = j / layout.panel_columns() * stride + i * kPanelRowBytes +
                                 j % layout.panel_columns() * size;
      copy(static_cast<std::size_t>(element * size), static_cast<std::size_t>(place),
           static_cast<std::size_t>(size));
    }
  }
}

}  // namespace

std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout) {
  std::vector<std::uint8_t> bytes(layout.bytes());
  for_each_element(layout, [&](std::size_t element, std::size_t place, std::size_t size) {
    std::memcpy(&bytes[place], &tensor.bytes[element], size);
  });
  return bytes;
}

std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout, std::int64_t row,
                               std::int64_t column) {
  std::vector<std::uint8_t> bytes(layout.bytes());
  const auto size = static_cast<std::int64_t>(bytes_of(layout.dtype));
  for (std::int64_t i = 0; i < layout.rows; ++i) {
    for (std::int64_t j = 0; j < layout.columns; j += layout.panel_columns()) {
      const std::int64_t count = std::min(layout.panel_columns(), layout.columns - j);
      const std::int64_t element = (row + i) * tensor.columns() + column + j;
      const std::int64_t place =
          j / layout.panel_columns() * layout.rows * kPanelRowBytes + i * kPanelRowBytes;
      std::memcpy(&bytes[static_cast<std::size_t>(place)],
                  &tensor.bytes[static_cast<std::size_t>(element * size)],
                  static_cast<std::size_t>(count * size));
    }
  }
  return bytes;
}

Tensor unpack(const std::vector<std::uint8_t>& bytes, const TensorLayout& layout,
              const Shape& shape) {
  Tensor tensor(layout.dtype, shape);
  for_each_element(layout, [&](std::size_t element, std::size_t place, std::size_t size) {
    std::memcpy(&tensor.bytes[element], &bytes[place], size);
  });
  return tensor;
}

}  // namespace corank
