// Checks that the shape rules of the ops share. `reader` is the name of the op's result; every
// violation is an InputError that names it, the value and its shape.
#pragma once

#include <initializer_list>
#include <utility>

#include "models/graph/graph.h"

namespace corank {

/// "x BF16 [2, 3]"
std::string typed(const Value& value);

/// The value with this number.
const Value& existing_operand(const Graph& graph, ValueId id, const std::string& reader);
/// The same, and its dtype is BF16 or F32.
const Value& float_operand(const Graph& graph, ValueId id, const std::string& reader);
/// The same, and its dtype is I64.
const Value& integer_operand(const Graph& graph, ValueId id, const std::string& reader);

void require_dtype(const Value& value, std::initializer_list<DType> allowed,
                   const std::string& reader);
void require_shape(const Value& value, const Shape& expected, const std::string& reader);
/// Throws with "reader: expected `expected`, found x BF16 [2, 3]" unless `holds`.
void require(bool holds, const Value& value, const std::string& expected,
             const std::string& reader);

std::int64_t columns_of(const Value& value);  // the last dimension
std::int64_t rows_of(const Value& value);     // the product of the others

/// Appends an op with one new result: X has the member `out`.
template <class X>
ValueId add_single(Graph& graph, const std::string& name, X op, DType dtype) {
  Shape shape = infer_shapes(graph, name, op).front();
  const ValueId out = add_value(graph, {name, std::move(shape), dtype, Role::kIntermediate});
  op.out = out;
  graph.ops.push_back(std::move(op));
  return out;
}

}  // namespace corank
