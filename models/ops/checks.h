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

/// An option of an optimizer: "AdamW: expected lr of at least 0, found -1" unless `holds`.
void require_option(bool holds, const char* optimizer, const char* option, const char* expected,
                    double found);

std::int64_t columns_of(const Value& value);  // the last dimension
std::int64_t rows_of(const Value& value);     // the product of the others

/// The shape of left, where the rows of right are used again and again: they divide those of left.
Shape require_rows(const Graph& graph, const std::string& name, ValueId left, ValueId right);

/// The shapes of an optimizer's results: of the parameter, as all that it reads and writes has it,
/// F32, but for its `count` constants.
template <class X>
std::vector<Shape> require_update(const Graph& graph, const char* optimizer, const X& op,
                                  std::int64_t count) {
  const Value& parameter = existing_operand(graph, op.parameter, optimizer);
  const std::string name = std::string(optimizer) + " of " + parameter.name;
  const std::vector<ValueId> results = results_of(op);
  std::vector<ValueId> ids = operands_of(op);
  ids.insert(ids.end(), results.begin(), results.end());
  for (const ValueId id : ids) {
    if (id == op.constants) continue;
    const Value& value = existing_operand(graph, id, name);
    require_dtype(value, {DType::F32}, name);
    require_shape(value, parameter.shape, name);
  }
  require_shape(existing_operand(graph, op.constants, name), {count}, name);
  return std::vector<Shape>(results.size(), parameter.shape);
}

/// The shapes of an op's results are those of its shape rule. An op whose results may differ, or
/// must have one dtype, has an overload of its own.
template <class X>
void check_results(const Graph& graph, const X& op) {
  const std::vector<ValueId> results = results_of(op);
  const std::string name = existing_operand(graph, results.front(), "an op").name;
  const std::vector<Shape> shapes = infer_shapes(graph, name, op);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Value& out = float_operand(graph, results[i], name);
    require_shape(out, shapes[i], out.name);
  }
}

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
