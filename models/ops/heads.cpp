#include "models/ops/heads.h"

#include <algorithm>

#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// Copies rows of D elements between token-major and head-major order.
template <class T>
void move_heads(const T* in, T* out, std::int64_t batch, std::int64_t heads, std::int64_t sequence,
                std::int64_t size, bool split) {
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t a = 0; a < heads; ++a) {
      for (std::int64_t t = 0; t < sequence; ++t) {
        const std::int64_t by_token = ((b * sequence + t) * heads + a) * size;
        const std::int64_t by_head = ((b * heads + a) * sequence + t) * size;
        std::copy_n(in + (split ? by_token : by_head), size, out + (split ? by_head : by_token));
      }
    }
  }
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SplitHeads& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 2 && op.batch >= 1 && op.heads >= 1 && in.shape[0] % op.batch == 0 &&
              in.shape[1] % op.heads == 0,
          in, "[" + std::to_string(op.batch) + " * sequence, " + std::to_string(op.heads) + " * D]",
          name);
  return {{op.batch * op.heads, in.shape[0] / op.batch, in.shape[1] / op.heads}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const MergeHeads& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(
      in.shape.size() == 3 && op.batch >= 1 && op.heads >= 1 && in.shape[0] == op.batch * op.heads,
      in, "[" + std::to_string(op.batch * op.heads) + ", sequence, D]", name);
  return {{op.batch * in.shape[1], op.heads * in.shape[2]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const RepeatHeads& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 3 && op.times >= 1, in, "[heads, sequence, D]", name);
  return {{in.shape[0] * op.times, in.shape[1], in.shape[2]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SumHeads& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 3 && op.times >= 1 && in.shape[0] % op.times == 0, in,
          "[" + std::to_string(op.times) + " * heads, sequence, D]", name);
  return {{in.shape[0] / op.times, in.shape[1], in.shape[2]}};
}

template <class T>
void run(const SplitHeads& op, Arrays<T>& arrays) {
  const Shape& out = arrays.shape(op.out);
  move_heads(arrays.floats(op.in), arrays.result(op.out), op.batch, op.heads, out[1], out[2], true);
}
template void run(const SplitHeads& op, Arrays<float>& arrays);
template void run(const SplitHeads& op, Arrays<double>& arrays);

template <class T>
void run(const MergeHeads& op, Arrays<T>& arrays) {
  const Shape& in = arrays.shape(op.in);
  move_heads(arrays.floats(op.in), arrays.result(op.out), op.batch, op.heads, in[1], in[2], false);
}
template void run(const MergeHeads& op, Arrays<float>& arrays);
template void run(const MergeHeads& op, Arrays<double>& arrays);

template <class T>
void run(const RepeatHeads& op, Arrays<T>& arrays) {
  const Shape& in = arrays.shape(op.in);
  const std::int64_t size = in[1] * in[2];
  for (std::int64_t head = 0; head < in[0] * op.times; ++head) {
    std::copy_n(arrays.floats(op.in) + head / op.times * size, size,
                arrays.result(op.out) + head * size);
  }
}
template void run(const RepeatHeads& op, Arrays<float>& arrays);
template void run(const RepeatHeads& op, Arrays<double>& arrays);

template <class T>
void run(const SumHeads& op, Arrays<T>& arrays) {
  const Shape& in = arrays.shape(op.in);
  const std::int64_t size = in[1] * in[2];
  for (std::int64_t head = 0; head < in[0]; ++head) {
    const T* summand = arrays.floats(op.in) + head * size;
    T* sum = arrays.result(op.out) + head / op.times * size;
    for (std::int64_t i = 0; i < size; ++i) sum[i] = sum[i] + summand[i];
  }
}
template void run(const SumHeads& op, Arrays<float>& arrays);
template void run(const SumHeads& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const SplitHeads& op, ValueId gradient) {
  backward.add_op(op.in, op.out, MergeHeads{gradient, -1, op.batch, op.heads});
}

void pull_back(Backward& backward, const MergeHeads& op, ValueId gradient) {
  backward.add_op(op.in, op.out, SplitHeads{gradient, -1, op.batch, op.heads});
}

void pull_back(Backward& backward, const RepeatHeads& op, ValueId gradient) {
  backward.add_op(op.in, op.out, SumHeads{gradient, -1, op.times});
}

void pull_back(Backward& backward, const SumHeads& op, ValueId gradient) {
  backward.add_op(op.in, op.out, RepeatHeads{gradient, -1, op.times});
}

ValueId add_split_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t batch,
                        std::int64_t heads, DType dtype) {
  return add_single(graph, name, SplitHeads{in, -1, batch, heads}, dtype);
}

ValueId add_merge_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t batch,
                        std::int64_t heads, DType dtype) {
  return add_single(graph, name, MergeHeads{in, -1, batch, heads}, dtype);
}

ValueId add_sum_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t times,
                      DType dtype) {
  return add_single(graph, name, SumHeads{in, -1, times}, dtype);
}

ValueId add_repeat_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t times,
                         DType dtype) {
  return add_single(graph, name, RepeatHeads{in, -1, times}, dtype);
}

}  // namespace corank
