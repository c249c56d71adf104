#include "models/reference/fp64.h"

#include <cmath>
#include <limits>
#include <vector>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

MatrixFp64 widened(const std::string& name, const Tensor& tensor) {
  if (tensor.dtype != DType::F32 && tensor.dtype != DType::BF16) {
    throw InputError(name + ": expected F32 or BF16, found " + name_of(tensor.dtype));
  }
  MatrixFp64 matrix(tensor.rows(), tensor.columns());
  for (Eigen::Index i = 0; i < matrix.size(); ++i) {
    matrix.data()[i] = tensor.dtype == DType::F32 ? tensor.data<float>()[i]
                                                  : widen(tensor.data<std::uint16_t>()[i]);
  }
  return matrix;
}

MatrixFp64 product(const MatrixFp64& a, bool a_transposed, const MatrixFp64& b, bool b_transposed) {
  if (a_transposed && b_transposed) return a.transpose() * b.transpose();
  if (a_transposed) return a.transpose() * b;
  if (b_transposed) return a * b.transpose();
  return a * b;
}

/// The matrices of one run by value; empty: not there (yet).
using Matrices = std::vector<MatrixFp64>;

void add_to(MatrixFp64& sum, const MatrixFp64& summand) {
  if (sum.size() == 0) {
    sum = summand;
  } else {
    sum += summand;
  }
}

MatrixFp64 forward_of(const Contraction& contraction, const Matrices& values) {
  MatrixFp64 sum;
  for (const Term& term : contraction.terms) {
    add_to(sum, product(values[static_cast<std::size_t>(term.left)], term.left_transposed,
                        values[static_cast<std::size_t>(term.right)], term.right_transposed));
  }
  sum *= static_cast<double>(contraction.scale);
  if (contraction.bias) {
    sum.rowwise() += values[static_cast<std::size_t>(*contraction.bias)].row(0);
  }
  return sum;
}

/// Adds a contraction's adjoints. Frozen operands are left out: nobody compares them, and they are
/// the largest.
void pull_back(const Graph& graph, const Contraction& contraction, const Matrices& values,
               Matrices& adjoints) {
  const MatrixFp64 out_adjoint = adjoints[static_cast<std::size_t>(contraction.out)];
  const auto differentiated = [&](ValueId id) { return graph.value(id).role != Role::kFrozen; };
  if (contraction.bias && differentiated(*contraction.bias)) {
    add_to(adjoints[static_cast<std::size_t>(*contraction.bias)], out_adjoint.colwise().sum());
  }
  const MatrixFp64 sum_adjoint = static_cast<double>(contraction.scale) * out_adjoint;
  for (const Term& term : contraction.terms) {
    const auto left = static_cast<std::size_t>(term.left);
    const auto right = static_cast<std::size_t>(term.right);
    if (differentiated(term.left)) {
      const MatrixFp64 adjoint = product(sum_adjoint, false, values[right], !term.right_transposed);
      add_to(adjoints[left], term.left_transposed ? MatrixFp64(adjoint.transpose()) : adjoint);
    }
    if (differentiated(term.right)) {
      const MatrixFp64 adjoint = product(values[left], !term.left_transposed, sum_adjoint, false);
      add_to(adjoints[right], term.right_transposed ? MatrixFp64(adjoint.transpose()) : adjoint);
    }
  }
}

/// |difference| / |reference|. A NaN and a wrong zero are infinitely wrong.
double relative(double difference, double reference) {
  if (difference == 0) return 0;
  const double ratio = difference / reference;
  return std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
}

}  // namespace

Fp64Result run_fp64(const Graph& forward, const TensorMap& inputs,
                    const std::map<std::string, Tensor>& output_gradients) {
  check(forward);
  Matrices values(forward.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Value& value = forward.values[i];
    if (value.role == Role::kIntermediate || value.role == Role::kResult) continue;
    if (value.shape.size() > 2) {
      throw InputError(value.name + ": the FP64 reference takes vectors and matrices, found " +
                       to_string(value.shape));
    }
    const auto found = inputs.find(value.name);
    if (found == inputs.end()) throw InputError(value.name + ": found no such tensor");
    if (found->second.shape != value.shape) {
      throw InputError(value.name + ": expected the shape " + to_string(value.shape) + ", found " +
                       to_string(found->second.shape));
    }
    values[i] = widened(value.name, found->second);
  }
  for (const Op& op : forward.ops) {
    if (const Contraction* contraction = contraction_of(op)) {
      values[static_cast<std::size_t>(contraction->out)] = forward_of(*contraction, values);
    } else if (traits_of(op).op_class == OpClass::kCopy) {
      values[static_cast<std::size_t>(results_of(op).front())] =
          values[static_cast<std::size_t>(operands_of(op).front())];
    } else {
      throw InputError(
          std::string("the FP64 reference takes a forward graph of contractions and conversions, "
                      "found the op ") +
          name_of(op));
    }
  }

  Matrices adjoints(forward.values.size());
  for (const auto& [name, gradient] : output_gradients) {
    const auto id = find_value(forward, name);
    if (!id)
      throw InputError(name + ": a gradient is given for it, but the graph has no such value");
    if (gradient.shape != forward.value(*id).shape) {
      throw InputError(name + ": expected a gradient of the shape " +
                       to_string(forward.value(*id).shape) + ", found " +
                       to_string(gradient.shape));
    }
    adjoints[static_cast<std::size_t>(*id)] = widened(name, gradient);
  }
  for (auto op = forward.ops.rbegin(); op != forward.ops.rend(); ++op) {
    const auto out = static_cast<std::size_t>(results_of(*op).front());
    if (adjoints[out].size() == 0) continue;
    if (const Contraction* contraction = contraction_of(*op)) {
      pull_back(forward, *contraction, values, adjoints);
    } else {
      const MatrixFp64 adjoint = adjoints[out];
      add_to(adjoints[static_cast<std::size_t>(operands_of(*op).front())], adjoint);
    }
  }

  Fp64Result result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& name = forward.values[i].name;
    if (values[i].size() > 0) result.values.emplace(name, std::move(values[i]));
    if (adjoints[i].size() > 0) result.gradients.emplace(name, std::move(adjoints[i]));
  }
  return result;
}

ErrorFigures error_against(const Tensor& computed, const MatrixFp64& reference) {
  if (computed.rows() != reference.rows() || computed.columns() != reference.cols()) {
    throw InputError("error against FP64: expected the shape " +
                     to_string(Shape{reference.rows(), reference.cols()}) + ", found " +
                     to_string(computed.shape));
  }
  const MatrixFp64 difference = widened("error against FP64", computed) - reference;
  ErrorFigures figures;
  figures.relative_frobenius = relative(difference.norm(), reference.norm());
  for (Eigen::Index column = 0; column < reference.cols(); ++column) {
    const double error = relative(difference.col(column).norm(), reference.col(column).norm());
    if (error > figures.worst_column) {
      figures.worst_column = error;
      figures.worst_column_index = column;
    }
  }
  return figures;
}

}  // namespace corank
