// The reference: executes a whole graph, forward and backward, in one of the numerics.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "models/graph/graph.h"
#include "models/numerics/numerics.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

struct ExecuteOptions {
  bool keep_intermediates = false;  // of every intermediate
  std::set<std::string> keep = {};  // intermediates to keep by name, beside the results
  /// Given values that are not in `values`: they are read where they are.
  const TensorMap* given = nullptr;
  /// Packed weights, by the names of the values that have a storage format. Each op that reads one
  /// decodes it for itself.
  const QuantizedMap* packed = nullptr;
  /// Given values and results that are freed after the op that reads them last.
  std::set<ValueId> passing = {};
  std::function<bool()> stop = {};  // asked before each op, until the first update, whether to end
};

struct ExecuteFigures {
  /// The largest sum of the bytes of all values alive at one time: given ones, which stay, and
  /// computed ones from the op that writes them to the last one that reads them.
  std::int64_t peak_bytes = 0;
  std::int64_t given_bytes = 0;  // the given ones alone
  bool stopped = false;          // before its end, and before the first update
};

/// Executes every op of the graph, which is checked first. `values` holds the given tensors by name
/// (more may be there); on return also every result, and the intermediates that `options` keeps;
/// the others are freed after the op that reads them last. Results are F32 in fp32, F64 in fp64,
/// and of the value's own dtype in bf16, where equality with the device is bit for bit. Updates
/// (is_update) are executed as in bf16 in every numerics: masters and moments are FP32.
///
/// A given float tensor may be F32, F64, F16 or BF16 whatever the value's dtype: fp32 and fp64 use
/// its elements as they are; bf16 first replaces it, in `values`, by one of the value's dtype.
/// A missing or misshapen tensor, an id outside its table and a loss without any target are
/// InputErrors.
ExecuteFigures execute(const Graph& graph, Numerics numerics, TensorMap& values,
                       const ExecuteOptions& options = {});

}  // namespace corank
