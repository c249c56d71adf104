#include <catch2/catch.hpp>

#include "host/compiler/layout.h"
#include "models/ops/heads.h"
#include "models/ops/slice.h"
#include "models/reference/execute.h"

using namespace corank;

namespace {

/// Elements whose bits count up from `first`.
Tensor numbered(DType dtype, Shape shape, std::uint32_t first = 1) {
  Tensor tensor(dtype, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    if (dtype == DType::BF16) {
      tensor.data<std::uint16_t>()[i] = static_cast<std::uint16_t>(first + i);
    } else {
      tensor.data<std::uint32_t>()[i] = static_cast<std::uint32_t>(first + i);
    }
  }
  return tensor;
}

std::uint16_t half_at(const std::vector<std::uint8_t>& bytes, std::size_t place) {
  return static_cast<std::uint16_t>(bytes.at(place) | bytes.at(place + 1) << 8);
}

constexpr std::uint32_t kOneBf16 = 0x3f80, kSingleFp32 = 0x3f800000;  // ops flush subnormal numbers

/// What the reference's op gives of the operand "in", a graph of that op alone.
template <class AddOp>
Tensor result_of(const Tensor& in, const AddOp& add_op) {
  Graph graph;
  const ValueId out = add_op(graph, add_value(graph, {"in", in.shape, in.dtype, Role::kInput}));
  graph.value(out).role = Role::kResult;
  TensorMap values{{"in", in}};
  execute(graph, Numerics::kBf16, values, {});
  return values.at("out");
}

}  // namespace

TEST_CASE("a BF16 matrix lies in panels of 64 columns, 128 bytes a row", "[compiler][layout]") {
  // 3 x 70: the second panel holds columns 64..69. Element (i, j) has the value 70 i + j + 1.
  const TensorLayout layout = layout_of(DType::BF16, 3, 70, true);
  CHECK_FALSE(layout.is_transposed());
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
  CHECK(layout.is_transposed());
  CHECK(layout.rows() == 3);
  CHECK(layout.columns() == 100);
  CHECK(layout.bytes() == 2 * 3 * 128);
  const auto bytes = pack(numbered(DType::BF16, {100, 3}), layout);
  CHECK(half_at(bytes, 128 + 2 * 7) == 7 * 3 + 1 + 1);  // (7, 1)
  CHECK_FALSE(layout_of(DType::BF16, 100, 3, false).is_transposed());
  CHECK_FALSE(layout_of(DType::BF16, 64, 64, true).is_transposed());
}

TEST_CASE("unpacking inverts packing for every shape around a panel's edge", "[compiler][layout]") {
  for (const DType dtype : {DType::BF16, DType::F32}) {
    for (const std::int64_t rows : {1, 2, 31, 65}) {
      for (const std::int64_t columns : {1, 3, 31, 32, 33, 63, 64, 65, 130}) {
        INFO(name_of(dtype) << " " << rows << " x " << columns);
        const TensorLayout layout = layout_of(dtype, rows, columns, true);
        const Tensor tensor = numbered(dtype, {rows, columns});
        const Tensor back = unpack(pack(tensor, layout), layout, dtype, tensor.shape);
        CHECK(back.bytes == tensor.bytes);
      }
    }
  }
}

TEST_CASE("a transposed view has the element of the other place", "[compiler][layout]") {
  const TensorLayout layout = layout_of(DType::BF16, 3, 70, false);
  const TensorLayout view = transposed(layout);
  CHECK(view.is_transposed());
  const Tensor seen =
      unpack(pack(numbered(DType::BF16, {3, 70}), layout), view, DType::BF16, {70, 3});
  CHECK(seen.data<std::uint16_t>()[3 * 69 + 1] == 70 * 1 + 69 + 1);  // (69, 1) of (1, 69)
  CHECK(transposed(view).is_transposed() == false);
}

TEST_CASE("a slice of either axis is a view, as the reference copies it", "[compiler][layout]") {
  const Tensor whole = numbered(DType::F32, {7, 100}, kSingleFp32);
  const TensorLayout layout = layout_of(DType::F32, 7, 100, false);
  for (const int axis : {0, 1}) {
    const std::int64_t begin = axis == 0 ? 2 : 30, length = axis == 0 ? 4 : 37;
    const Tensor expected = result_of(whole, [&](Graph& graph, ValueId in) {
      return add_slice(graph, "out", in, axis, begin, length, DType::F32);
    });
    const TensorLayout view = sliced(layout, static_cast<std::size_t>(1 - axis), begin, length);
    CHECK(is_inside(view));
    CHECK(unpack(pack(whole, layout), view, DType::F32, expected.shape).bytes == expected.bytes);
    CHECK_FALSE(is_inside(sliced(layout, static_cast<std::size_t>(1 - axis), begin, 99)));
  }
}

TEST_CASE("heads of any width are a view, repeated ones too, as the reference copies them",
          "[compiler][layout]") {
  for (const std::int64_t width : {1, 24, 64, 80}) {  // within a panel, across its edge, beyond it
    constexpr std::int64_t kBatch = 2, kHeads = 3, kSequence = 5, kTimes = 4;
    const Tensor whole = numbered(DType::BF16, {kBatch * kSequence, kHeads * width}, kOneBf16);
    const TensorLayout layout =
        layout_of(DType::BF16, whole.shape[0], whole.shape[1], /*may_transpose=*/false);
    const TensorLayout heads = split_into_heads(layout, kBatch, kHeads);
    const Tensor split = result_of(whole, [&](Graph& graph, ValueId in) {
      return add_split_heads(graph, "out", in, kBatch, kHeads);
    });
    CHECK(unpack(pack(whole, layout), heads, DType::BF16, split.shape).bytes == split.bytes);
    CHECK(pack(split, heads) == pack(whole, layout));  // stored as heads, it is merged
    const Tensor repeated = result_of(split, [&](Graph& graph, ValueId in) {
      return add_repeat_heads(graph, "out", in, kTimes);
    });
    const TensorLayout again = with_repeated_heads(heads, kTimes);
    CHECK(unpack(pack(whole, layout), again, DType::BF16, repeated.shape).bytes == repeated.bytes);
    CHECK(has_own_places(heads));
    CHECK_FALSE(has_own_places(again));
  }
}

TEST_CASE("the address of a view's panel row counts from its first element", "[compiler][layout]") {
  TensorLayout layout = layout_of(DType::BF16, 10, 200, false);
  layout.address = 0x10000;
  const TensorLayout view = sliced(sliced(layout, 0, 64, 136), 1, 3, 7);
  CHECK(view.panel_row_address(0, 0) == 0x10000 + 1 * 10 * 128 + 3 * 128);
  CHECK(view.panel_row_address(2, 64) == 0x10000 + 2 * 10 * 128 + 5 * 128);
}
