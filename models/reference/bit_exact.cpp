#include "models/reference/bit_exact.h"

#include "models/base/error.h"
#include "models/reference/execute.h"

namespace corank {
namespace {

/// Nothing is rounded on the way in: a tensor has the dtype of its value.
void require_dtypes(const Graph& graph, const TensorMap& values) {
  for (const Value& value : graph.values) {
    const auto found = values.find(value.name);
    if (is_computed(value) || found == values.end() || found->second.dtype == value.dtype) continue;
    throw InputError(value.name + ": expected " + name_of(value.dtype) + " " +
                     to_string(value.shape) + ", found " + name_of(found->second.dtype) + " " +
                     to_string(found->second.shape));
  }
}

}  // namespace

void run_bit_exact(const Graph& graph, TensorMap& values) {
  check(graph);
  require_dtypes(graph, values);
  ExecuteOptions options;
  options.keep_intermediates = true;
  execute(graph, Numerics::kBf16, values, options);
}

}  // namespace corank
