// The FP64 reference: forward values and derivatives of the forward graph in double, by Eigen, from
// the unrounded inputs. Its reverse mode is its own: it never looks at the ops that differentiate()
// made.
#pragma once

#include <Eigen/Dense>
#include <map>
#include <string>

#include "models/graph/graph.h"

namespace corank {

using MatrixFp64 = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Fp64Result {
  std::map<std::string, MatrixFp64> values;     // forward values by name
  std::map<std::string, MatrixFp64> gradients;  // by name of the value that is differentiated
};

/// `forward` is a graph without backward ops; `output_gradients` gives dL/d(value) by name of the
/// forward value, F32 or BF16. A conversion is the identity; frozen values get no gradient. A
/// vector is a matrix of one row. Throws InputError for missing or misshapen tensors and for
/// optimizer ops.
Fp64Result run_fp64(const Graph& forward, const TensorMap& inputs,
                    const std::map<std::string, Tensor>& output_gradients);

struct ErrorFigures {
  double relative_frobenius = 0;  // |a - b|_F / |b|_F
  double worst_column = 0;        // the largest relative 2-norm error of a column
  std::int64_t worst_column_index = 0;
};

/// Error of a computed tensor (BF16 or F32) against the FP64 one of the same shape (InputError
/// otherwise). A NaN, and anything but 0 where the reference is 0, counts as infinite.
ErrorFigures error_against(const Tensor& computed, const MatrixFp64& reference);

}  // namespace corank
