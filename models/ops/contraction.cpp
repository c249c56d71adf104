#include "models/ops/contraction.h"

#include <Eigen/Dense>
#include <cmath>
#include <utility>

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/numerics/matrix_product.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

/// A batch of matrices; a vector is one row, a matrix a batch of one.
struct Extent {
  std::int64_t batch = 0, rows = 0, columns = 0;
};

Extent extent_of(const Shape& shape) {
  if (shape.size() == 1) return {1, 1, shape[0]};
  if (shape.size() == 2) return {1, shape[0], shape[1]};
  return {shape[0], shape[1], shape[2]};
}

Extent transposed_if(bool transposed, const Extent& extent) {
  return transposed ? Extent{extent.batch, extent.columns, extent.rows} : extent;
}

/// "x[2, 3] . weight[4, 3]^T"
std::string product_text(const Value& left, const Value& right, const Term& term) {
  return left.name + to_string(left.shape) + (term.left_transposed ? "^T" : "") + " . " +
         right.name + to_string(right.shape) + (term.right_transposed ? "^T" : "");
}

bool is_batch(const Value& value) { return value.shape.size() == 3; }

void require_matrix(const Value& value) {
  if (value.shape.empty() || value.shape.size() > 2) {
    throw InputError(value.name + ": expected a vector or a matrix, found the shape " +
                     to_string(value.shape));
  }
}

Shape shape_of(const Extent& extent, bool batched) {
  return batched ? Shape{extent.batch, extent.rows, extent.columns}
                 : Shape{extent.rows, extent.columns};
}

/// Scales and adds the bias.
template <class T>
void finish(const Contraction& op, Arrays<T>& arrays) {
  T* out = arrays.result(op.out);
  const std::int64_t count = arrays.elements(op.out);
  if (op.scale != 1.0f) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = out[i] * static_cast<T>(op.scale);
  }
  if (op.bias) {
    const T* bias = arrays.floats(*op.bias);
    const std::int64_t columns = arrays.columns(op.out);
    for (std::int64_t row = 0; row < count; row += columns) {
      for (std::int64_t column = 0; column < columns; ++column) {
        out[row + column] = out[row + column] + bias[column];
      }
    }
  }
}

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
void add_product(Eigen::Map<Matrix<T>>& out, const Eigen::Map<const Matrix<T>>& left,
                 bool left_transposed, const Eigen::Map<const Matrix<T>>& right,
                 bool right_transposed) {
  if (left_transposed && right_transposed) {
    out.noalias() += left.transpose() * right.transpose();
  } else if (left_transposed) {
    out.noalias() += left.transpose() * right;
  } else if (right_transposed) {
    out.noalias() += left * right.transpose();
  } else {
    out.noalias() += left * right;
  }
}

/// Matrix `b` of a batch, op(matrix) as the tensor stores it.
template <class Element>
StoredMatrix<Element> matrix_of(const Tensor& tensor, std::int64_t b, bool transposed) {
  const Extent extent = extent_of(tensor.shape);
  const Element* elements = tensor.data<Element>() + b * extent.rows * extent.columns;
  const auto pitch = static_cast<std::size_t>(extent.columns);
  return transposed ? StoredMatrix<Element>{elements, 1, pitch}
                    : StoredMatrix<Element>{elements, pitch, 1};
}

/// Continues the chain of every sum of out[batch, rows, columns].
template <class Element>
void add_term(const Term& term, const Extent& out, const Tensor& left, const Tensor& right,
              float* sums) {
  const std::int64_t depth = transposed_if(term.left_transposed, extent_of(left.shape)).columns;
  for (std::int64_t b = 0; b < out.batch; ++b) {
    add_matrix_product(
        static_cast<std::size_t>(out.rows), static_cast<std::size_t>(depth),
        static_cast<std::size_t>(out.columns), matrix_of<Element>(left, b, term.left_transposed),
        matrix_of<Element>(right, b, term.right_transposed), sums + b * out.rows * out.columns);
  }
}

/// out = op(left) . op(right), so d op(left) = g . op(right)^T; transposed as a whole where left
/// is.
Term left_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.left_transposed) {
    return {term.right, term.right_transposed, gradient, true, {term.kind.part, pass}};
  }
  return {gradient, false, term.right, !term.right_transposed, {term.kind.part, pass}};
}

/// d op(right) = op(left)^T . g; transposed as a whole where right is.
Term right_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.right_transposed) {
    return {gradient, true, term.left, term.left_transposed, {term.kind.part, pass}};
  }
  return {term.left, !term.left_transposed, gradient, false, {term.kind.part, pass}};
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const Contraction& op) {
  if (op.terms.empty()) throw InputError(name + ": a contraction without terms");
  if (!std::isfinite(op.scale)) throw InputError(name + ": its scale is not finite");
  Extent out;
  bool batched = false;
  DType dtype = DType::BF16;
  for (const Term& term : op.terms) {
    const Value& left = existing_operand(graph, term.left, name);
    const Value& right = existing_operand(graph, term.right, name);
    if (out.rows == 0) {
      dtype = left.dtype == DType::F32 ? DType::F32 : DType::BF16;
      batched = is_batch(left) && is_batch(right);
    }
    require_dtype(left, {dtype}, name);
    require_dtype(right, {dtype}, name);
    if (!batched) {
      require_matrix(left);
      require_matrix(right);
    }
    const Extent a = transposed_if(term.left_transposed, extent_of(left.shape));
    const Extent b = transposed_if(term.right_transposed, extent_of(right.shape));
    const std::string equation = name + " = " + product_text(left, right, term);
    if (a.columns != b.rows) {
      throw InputError(equation + ": contraction lengths " + std::to_string(a.columns) + " and " +
                       std::to_string(b.rows) + " differ");
    }
    if (a.batch != b.batch) {
      throw InputError(equation + ": batches of " + std::to_string(a.batch) + " and " +
                       std::to_string(b.batch) + " differ");
    }
    const Extent product{a.batch, a.rows, b.columns};
    if (out.rows == 0) out = product;
    if (out.batch != product.batch || out.rows != product.rows || out.columns != product.columns) {
      throw InputError(equation + ": the term is " + to_string(shape_of(product, batched)) +
                       ", the first one " + to_string(shape_of(out, batched)));
    }
  }
  if (op.bias) {
    const Value& bias = float_operand(graph, *op.bias, name);
    require_matrix(bias);
    const Extent extent = extent_of(bias.shape);
    if (extent.rows != 1 || extent.columns != out.columns) {
      throw InputError(name + ": expected a bias of the shape " + to_string(Shape{out.columns}) +
                       ", found " + typed(bias));
    }
  }
  return {shape_of(out, batched)};
}

void check_results(const Graph& graph, const Contraction& op) {
  const Value& out = existing_operand(graph, op.out, "a contraction");
  const Shape expected = infer_shapes(graph, out.name, op).front();
  const bool vector = out.shape.size() == 1 && expected.front() == 1 &&  // one row
                      expected.size() == 2 && expected.back() == out.shape.front();
  if (out.shape != expected && !vector) {
    throw InputError(out.name + ": expected the shape " + to_string(expected) + ", found " +
                     to_string(out.shape));
  }
}

void pull_back(Backward& backward, const Contraction& op, ValueId gradient, float factor) {
  const Graph& graph = backward.graph();
  if (op.bias && backward.needs(*op.bias)) {
    if (op.scale != 1.0f) {  // the gradient at hand may hold the scale, which the bias does not get
      throw InputError(graph.value(*op.bias).name +
                       ": the gradient of a bias of a scaled contraction is not supported");
    }
    SumRows sum;
    sum.in = gradient;
    backward.add_op(*op.bias, op.out, sum);
  }
  for (const Term& term : op.terms) {
    const auto add = [&](ValueId operand, auto rule) {
      backward.add_term(operand, rule(term, gradient, backward.gradient_pass(operand)), factor);
    };
    add(term.left, left_gradient);
    add(term.right, right_gradient);
  }
}

template <class T>
void run(const Contraction& op, Arrays<T>& arrays) {
  const Extent out = extent_of(arrays.shape(op.out));
  for (const Term& term : op.terms) {
    const Extent left = extent_of(arrays.shape(term.left));
    const Extent right = extent_of(arrays.shape(term.right));
    for (std::int64_t b = 0; b < out.batch; ++b) {
      Eigen::Map<Matrix<T>> sums(arrays.result(op.out) + b * out.rows * out.columns, out.rows,
                                 out.columns);
      const Eigen::Map<const Matrix<T>> a(arrays.floats(term.left) + b * left.rows * left.columns,
                                          left.rows, left.columns);
      const Eigen::Map<const Matrix<T>> c(
          arrays.floats(term.right) + b * right.rows * right.columns, right.rows, right.columns);
      add_product<T>(sums, a, term.left_transposed, c, term.right_transposed);
    }
  }
  finish(op, arrays);
}

template void run(const Contraction& op, Arrays<float>& arrays);
template void run(const Contraction& op, Arrays<double>& arrays);

void run_chain(const Contraction& op, Arrays<float>& arrays) {
  const Extent out = extent_of(arrays.shape(op.out));
  for (const Term& term : op.terms) {
    const Tensor& left = arrays.operand(term.left);
    const Tensor& right = arrays.operand(term.right);
    const auto add = left.dtype == DType::BF16 ? add_term<std::uint16_t> : add_term<float>;
    add(term, out, left, right, arrays.result(op.out));
  }
  finish(op, arrays);
}

ValueId add_contraction(Graph& graph, const std::string& name, std::vector<Term> terms, float scale,
                        std::optional<ValueId> bias, DType dtype, Role role) {
  Contraction op{std::move(terms), scale, bias, -1};
  const Value out{name, infer_shapes(graph, name, op).front(), dtype, role};
  require_dtype(out, {DType::F32, DType::BF16}, name);
  Origin origin = graph.origin;
  origin.kind = op.terms.front().kind;
  const ValueId id = op.out = add_value(graph, out, origin);
  graph.ops.push_back(std::move(op));
  return id;
}

std::int64_t macs_of(const Graph& graph, const Term& term) {
  const Extent left = transposed_if(term.left_transposed, extent_of(graph.value(term.left).shape));
  const Extent right =
      transposed_if(term.right_transposed, extent_of(graph.value(term.right).shape));
  return left.batch * left.rows * left.columns * right.columns;
}

}  // namespace corank
