#include "models/ops/slice.h"

#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// An array around one axis: [outer, axis, inner].
struct Around {
  std::int64_t outer = 1, axis = 1, inner = 1;
};

Around around(const Shape& shape, int axis) {
  Around result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const int position = static_cast<int>(i);
    (position < axis ? result.outer : position == axis ? result.axis : result.inner) *= shape[i];
  }
  return result;
}

void require_axis(const Value& value, int axis, const std::string& name) {
  require(axis >= 0 && axis < static_cast<int>(value.shape.size()), value,
          "an array with the axis " + std::to_string(axis), name);
}

Shape with_axis(Shape shape, int axis, std::int64_t size) {
  shape[static_cast<std::size_t>(axis)] = size;
  return shape;
}

/// Copies `length` entries along the axis, from `from` in `in` to `to` in `out`.
template <class T>
void copy_part(const T* in, const Around& source, std::int64_t from, T* out, const Around& target,
               std::int64_t to, std::int64_t length) {
  for (std::int64_t o = 0; o < source.outer; ++o) {
    std::copy_n(in + (o * source.axis + from) * source.inner, length * source.inner,
                out + (o * target.axis + to) * target.inner);
  }
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Slice& op) {
  const Value& in = float_operand(graph, op.in, name);
  require_axis(in, op.axis, name);
  const std::int64_t size = in.shape[static_cast<std::size_t>(op.axis)];
  require(op.begin >= 0 && op.length >= 1 && op.begin + op.length <= size, in,
          "the elements " + std::to_string(op.begin) + " to below " +
              std::to_string(op.begin + op.length) + " along the axis " + std::to_string(op.axis),
          name);
  return {with_axis(in.shape, op.axis, op.length)};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Pad& op) {
  const Value& in = float_operand(graph, op.in, name);
  require_axis(in, op.axis, name);
  require(op.begin >= 0 && op.begin + in.shape[static_cast<std::size_t>(op.axis)] <= op.size, in,
          "at most " + std::to_string(op.size - op.begin) + " elements along the axis " +
              std::to_string(op.axis),
          name);
  return {with_axis(in.shape, op.axis, op.size)};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Concat& op) {
  if (op.parts.empty()) throw InputError(name + ": a concatenation of nothing");
  const Value& first = float_operand(graph, op.parts.front(), name);
  require_axis(first, op.axis, name);
  std::int64_t size = 0;
  for (const ValueId id : op.parts) {
    const Value& part = float_operand(graph, id, name);
    require_axis(part, op.axis, name);
    const std::int64_t length = part.shape[static_cast<std::size_t>(op.axis)];
    require_shape(part, with_axis(first.shape, op.axis, length), name);
    size += length;
  }
  return {with_axis(first.shape, op.axis, size)};
}

template <class T>
void run(const Slice& op, Arrays<T>& arrays) {
  copy_part(arrays.floats(op.in), around(arrays.shape(op.in), op.axis), op.begin,
            arrays.result(op.out), around(arrays.shape(op.out), op.axis), 0, op.length);
}
template void run(const Slice& op, Arrays<float>& arrays);
template void run(const Slice& op, Arrays<double>& arrays);

template <class T>
void run(const Pad& op, Arrays<T>& arrays) {
  const Around source = around(arrays.shape(op.in), op.axis);
  copy_part(arrays.floats(op.in), source, 0, arrays.result(op.out),
            around(arrays.shape(op.out), op.axis), op.begin, source.axis);
}
template void run(const Pad& op, Arrays<float>& arrays);
template void run(const Pad& op, Arrays<double>& arrays);

template <class T>
void run(const Concat& op, Arrays<T>& arrays) {
  std::int64_t begin = 0;
  for (const ValueId id : op.parts) {
    const Around source = around(arrays.shape(id), op.axis);
    copy_part(arrays.floats(id), source, 0, arrays.result(op.out),
              around(arrays.shape(op.out), op.axis), begin, source.axis);
    begin += source.axis;
  }
}
template void run(const Concat& op, Arrays<float>& arrays);
template void run(const Concat& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Slice& op, ValueId gradient) {
  const Shape& shape = backward.graph().value(op.in).shape;
  backward.add_op(op.in, op.out,
                  Pad{gradient, -1, op.axis, op.begin, shape[static_cast<std::size_t>(op.axis)]});
}

void pull_back(Backward& backward, const Pad& op, ValueId gradient) {
  const Shape& shape = backward.graph().value(op.in).shape;
  backward.add_op(op.in, op.out,
                  Slice{gradient, -1, op.axis, op.begin, shape[static_cast<std::size_t>(op.axis)]});
}

void pull_back(Backward& backward, const Concat& op, ValueId gradient) {
  std::int64_t begin = 0;
  for (const ValueId id : op.parts) {
    const std::int64_t length = backward.graph().value(id).shape[static_cast<std::size_t>(op.axis)];
    backward.add_op(id, op.out, Slice{gradient, -1, op.axis, begin, length});
    begin += length;
  }
}

ValueId add_slice(Graph& graph, const std::string& name, ValueId in, int axis, std::int64_t begin,
                  std::int64_t length, DType dtype) {
  return add_single(graph, name, Slice{in, -1, axis, begin, length}, dtype);
}

ValueId add_pad(Graph& graph, const std::string& name, ValueId in, int axis, std::int64_t begin,
                std::int64_t size, DType dtype) {
  return add_single(graph, name, Pad{in, -1, axis, begin, size}, dtype);
}

ValueId add_concat(Graph& graph, const std::string& name, std::vector<ValueId> parts, int axis,
                   DType dtype) {
  return add_single(graph, name, Concat{std::move(parts), -1, axis}, dtype);
}

}  // namespace corank
