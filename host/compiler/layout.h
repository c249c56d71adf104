// How a matrix lies in device memory: in panels of 128 bytes a row (64 BF16 or 32 FP32 columns),
// each panel's rows one after another. A block of rows of a panel is one contiguous piece,
// whichever way the matrix is used later.
#pragma once

#include <cstdint>
#include <vector>

#include "models/base/tensor.h"
#include "rtl/interface/interface.h"

namespace corank {

using interface::kPanelRowBytes;
/// BF16 columns of a panel. Blocks begin at whole panels, and no matrix is cut into narrower ones.
inline constexpr std::int64_t kPanelColumns = interface::kPanelColumnsBf16;

struct TensorLayout {
  DType dtype = DType::BF16;  // BF16 or F32
  std::int64_t rows = 0;      // of the stored matrix
  std::int64_t columns = 0;
  bool transposed = false;  // the stored matrix is the transpose of the graph's value
  std::uint64_t address = 0;

  std::int64_t panel_columns() const {
    return kPanelRowBytes / static_cast<std::int64_t>(bytes_of(dtype));
  }
  std::int64_t panels() const { return (columns + panel_columns() - 1) / panel_columns(); }
  std::uint64_t panel_stride() const { return static_cast<std::uint64_t>(rows * kPanelRowBytes); }
  std::uint64_t bytes() const { return static_cast<std::uint64_t>(panels()) * panel_stride(); }
};

/// Tall, narrow matrices (fewer columns than a panel, more rows than columns) are stored transposed
/// where that is allowed, so that the padding to whole panels costs nothing: the array reads either
/// orientation at full rate.
TensorLayout layout_of(DType dtype, std::int64_t rows, std::int64_t columns, bool may_transpose);

/// The bytes of a tensor in its layout; padding is zero. The tensor's dtype must be the layout's.
std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout);
/// The same of a part of a matrix, layout.rows x layout.columns from (row, column) on; not
/// transposed.
std::vector<std::uint8_t> pack(const Tensor& tensor, const TensorLayout& layout, std::int64_t row,
                               std::int64_t column);
/// The inverse; `shape` is the graph's.
Tensor unpack(const std::vector<std::uint8_t>& bytes, const TensorLayout& layout,
              const Shape& shape);

}  // namespace corank
