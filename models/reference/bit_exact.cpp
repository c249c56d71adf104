#include "models/reference/bit_exact.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

/// A widened operand, row-major.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<float> elements;

  const float* row(std::int64_t index) const { return elements.data() + index * columns; }
};

/// op(tensor). Operands are packed once a contraction, so that the inner loop walks along
/// contiguous rows.
Matrix packed(const Tensor& tensor, bool transposed) {
  const std::int64_t rows = tensor.rows();
  const std::int64_t columns = tensor.columns();
  const auto* in = tensor.data<std::uint16_t>();
  Matrix matrix{rows, columns, std::vector<float>(static_cast<std::size_t>(rows * columns))};
  float* out = matrix.elements.data();
  if (!transposed) {
    for (std::int64_t i = 0; i < rows * columns; ++i) out[i] = widen(in[i]);
    return matrix;
  }
  matrix.rows = columns;
  matrix.columns = rows;
  for (std::int64_t row = 0; row < columns; ++row) {
    for (std::int64_t column = 0; column < rows; ++column) {
      out[row * rows + column] = widen(in[column * columns + row]);
    }
  }
  return matrix;
}

/// Continues the chain of every sum: left . right, contraction index ascending.
void accumulate(const Matrix& left, const Matrix& right, std::vector<float>& sums) {
  const std::int64_t columns = right.columns;
  for (std::int64_t row = 0; row < left.rows; ++row) {
    float* sum = sums.data() + row * columns;
    const float* a = left.row(row);
    for (std::int64_t k = 0; k < left.columns; ++k) {
      const float* b = right.row(k);
      // The product is rounded, then the sum: the build forbids fused multiply-adds. The chain of
      // one element is sequential in k; the elements of a row are independent and may go in
      // parallel.
      for (std::int64_t column = 0; column < columns; ++column) sum[column] += a[k] * b[column];
    }
  }
}

float element(const Tensor& tensor, std::int64_t index) {
  return tensor.dtype == DType::BF16 ? widen(tensor.data<std::uint16_t>()[index])
                                     : tensor.data<float>()[index];
}

const Tensor& tensor_of(const Graph& graph, const TensorMap& values, ValueId id) {
  return values.at(graph.value(id).name);
}

Tensor& new_tensor(const Graph& graph, TensorMap& values, ValueId id) {
  const Value& value = graph.value(id);
  Tensor& tensor = values[value.name];
  tensor = Tensor(value.dtype, value.shape);
  return tensor;
}

void execute(const Graph& graph, const Contraction& contraction, TensorMap& values) {
  Tensor& out = new_tensor(graph, values, contraction.out);
  const std::int64_t columns = out.columns();
  std::vector<float> sums(static_cast<std::size_t>(out.rows() * columns));
  for (const Term& term : contraction.terms) {
    accumulate(packed(tensor_of(graph, values, term.left), term.left_transposed),
               packed(tensor_of(graph, values, term.right), term.right_transposed), sums);
  }
  const Tensor* bias = contraction.bias ? &tensor_of(graph, values, *contraction.bias) : nullptr;
  for (std::int64_t i = 0; i < out.rows() * columns; ++i) {
    float sum = sums[static_cast<std::size_t>(i)];
    if (contraction.scale != 1.0f) sum = sum * contraction.scale;
    if (bias != nullptr) sum = sum + element(*bias, i % columns);
    // The machine makes a NaN canonical at every step. A NaN stays one to the end of the chain,
    // whatever follows, so that doing it once, on the stored result, gives the same bits.
    if (out.dtype == DType::BF16) {
      out.data<std::uint16_t>()[i] = round_to_bf16(sum);
    } else {
      out.data<float>()[i] = canonical(sum);
    }
  }
}

void execute(const Graph& graph, const Convert& convert, TensorMap& values) {
  Tensor& out = new_tensor(graph, values, convert.out);
  const auto* in = tensor_of(graph, values, convert.in).data<float>();
  for (std::int64_t i = 0; i < element_count(out.shape); ++i) {
    out.data<std::uint16_t>()[i] = round_to_bf16(in[i]);
  }
}

void execute(const Graph& graph, const AdamW& adamw, TensorMap& values) {
  const auto* parameter = tensor_of(graph, values, adamw.parameter).data<float>();
  const auto* gradient = tensor_of(graph, values, adamw.gradient).data<float>();
  const auto* first_moment = tensor_of(graph, values, adamw.first_moment).data<float>();
  const auto* second_moment = tensor_of(graph, values, adamw.second_moment).data<float>();
  auto* new_parameter = new_tensor(graph, values, adamw.new_parameter).data<float>();
  auto* new_first_moment = new_tensor(graph, values, adamw.new_first_moment).data<float>();
  auto* new_second_moment = new_tensor(graph, values, adamw.new_second_moment).data<float>();
  const AdamWConstants& c = adamw.constants;
  const std::int64_t count = element_count(graph.value(adamw.parameter).shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    float w = parameter[i];
    if (c.decay != 1.0f) w = w * c.decay;
    const float m = first_moment[i] + c.one_minus_beta1 * (g - first_moment[i]);
    const float v = second_moment[i] * c.beta2 + (c.one_minus_beta2 * g) * g;
    const float d = std::sqrt(v) / c.root_bias_correction2 + c.epsilon;
    w = w + (c.negative_step_size * m) / d;
    new_parameter[i] = canonical(w);  // a NaN stays one through each of these sequences, too
    new_first_moment[i] = canonical(m);
    new_second_moment[i] = canonical(v);
  }
}

void require_inputs(const Graph& graph, const TensorMap& values) {
  for (const Value& value : graph.values) {
    if (value.role == Role::kIntermediate || value.role == Role::kResult) continue;
    const std::string expected =
        value.name + ": expected " + name_of(value.dtype) + " " + to_string(value.shape);
    const auto found = values.find(value.name);
    if (found == values.end()) throw InputError(expected + ", found no such tensor");
    const Tensor& tensor = found->second;
    if (tensor.dtype != value.dtype || tensor.shape != value.shape) {
      throw InputError(expected + ", found " + name_of(tensor.dtype) + " " +
                       to_string(tensor.shape));
    }
    const std::size_t bytes =
        static_cast<std::size_t>(element_count(tensor.shape)) * bytes_of(tensor.dtype);
    if (tensor.bytes.size() != bytes) {
      throw InputError(expected + ", found " + std::to_string(tensor.bytes.size()) + " bytes");
    }
  }
}

}  // namespace

void run_bit_exact(const Graph& graph, TensorMap& values) {
  check(graph);
  require_inputs(graph, values);
  const FloatEnvironment environment;
  for (const Op& op : graph.ops) {
    std::visit([&](const auto& one) { execute(graph, one, values); }, op);
  }
}

}  // namespace corank
