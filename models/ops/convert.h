// The rounding of an FP32 value to an operand of the array.
#pragma once

#include "models/ops/op.h"

namespace corank {

/// out = in rounded to BF16, of the same shape. Its gradient passes unchanged.
struct Convert {
  ValueId in = -1;
  ValueId out = -1;

  static constexpr OpTraits kTraits = {"convert", Recompute::kWithOperand, OpClass::kCopy};
  using Operands = Fields<&Convert::in>;
  using Results = Fields<&Convert::out>;
};

/// The element itself: what stores it rounds it.
template <class T>
const T& element_of(const Convert&, const T& in) {
  return in;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Convert& op);
/// The result is BF16.
void check_results(const Graph& graph, const Convert& op);
template <class T>
void run(const Convert& op, Arrays<T>& arrays);

/// Throws InputError if `in` is not F32.
ValueId add_convert(Graph& graph, const std::string& name, ValueId in);

}  // namespace corank
