#include <catch2/catch.hpp>

#include "host/compiler/layout.h"

using namespace corank;

namespace {

Tensor numbered(DType dtype, Shape shape) {
  Tensor tensor(dtype, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    if (dtype == DType::BF16) {
      tensor.data<std::uint16_t>()[i] = static_cast<std::uint16_t>(i + 1);
    } else {
      tensor.data<std::uint32_t>()[i] = static_cast<std::uint32_t>(i + 1);
    }
  }
  return tensor;
}

std::uint16_t half_at(const std::vector<std::uint8_t>& bytes, std::size_t place) {
  return static_cast<std::uint16_t>(bytes.at(place) | bytes.at(place + 1) << 8);
}

}  // namespace

TEST_CASE("a BF16 matrix lies in panels of 64 columns, 128 bytes a row", "[compiler][layout]") {
  // 3 x 70: the second panel holds columns 64..69. Element (i, j) has the value 70 i + j + 1.
  const TensorLayout layout = layout_of(DType::BF16, 3, 70, true);
  CHECK_FALSE(layout.transposed);
  CHECK(layout.panels() == 2);
  CHECK(layout.bytes() == 2 * 3 * 128);
  const auto bytes = pack(numbered(DType::BF16, {3, 70}), layout);
  CHECK(half_at(bytes, 0) == 1);                         // (0, 0)
  CHECK(half_at(bytes, 1 * 128 + 63 * 2) == 134);        // (1, 63)
  CHECK(half_at(bytes, 3 * 128 + 2 * 128 + 10) == 210);  // (2, 69): second panel, row 2, column 5
  CHECK(half_at(bytes, 3 * 128 + 12) == 0);              // padding
}

TEST_CASE("a tall, narrow matrix is stored transposed, where that is allowed",
          "[compiler][layout]") {
  // 100 x 3 becomes 3 x 100: element (i, j) of the tensor lies in row j, column i.
  const TensorLayout layout = layout_of(DType::BF16, 100, 3, true);
  CHECK(layout.transposed);
  CHECK(layout.rows == 3);
  CHECK(layout.columns == 100);
  CHECK(layout.bytes() == 2 * 3 * 128);
  const auto bytes = pack(numbered(DType::BF16, {100, 3}), layout);
  CHECK(half_at(bytes, 128 + 2 * 7) == 7 * 3 + 1 + 1);  // (7, 1)
  CHECK_FALSE(layout_of(DType::BF16, 100, 3, false).transposed);
  CHECK_FALSE(layout_of(DType::BF16, 64, 64, true).transposed);
}

TEST_CASE("unpacking inverts packing for every shape around a panel's edge", "[compiler][layout]") {
  for (const DType dtype : {DType::BF16, DType::F32}) {
    for (const std::int64_t rows : {1, 2, 31, 65}) {
      for (const std::int64_t columns : {1, 3, 31, 32, 33, 63, 64, 65, 130}) {
        INFO(name_of(dtype) << " " << rows << " x " << columns);
        const TensorLayout layout = layout_of(dtype, rows, columns, true);
        const Tensor tensor = numbered(dtype, {rows, columns});
        const Tensor back = unpack(pack(tensor, layout), layout, tensor.shape);
        CHECK(back.bytes == tensor.bytes);
      }
    }
  }
}
