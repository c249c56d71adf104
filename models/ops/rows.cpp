#include "models/ops/rows.h"

#include <algorithm>
#include <set>
#include <utility>

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

void require_rows(const std::vector<std::int64_t>& rows, std::int64_t size,
                  const std::string& name) {
  std::set<std::int64_t> seen;
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= size) {
      throw InputError(name + ": expected rows from 0 to " + std::to_string(size - 1) + ", found " +
                       std::to_string(row));
    }
    if (!seen.insert(row).second) {
      throw InputError(name + ": the row " + std::to_string(row) + " is listed twice");
    }
  }
}

std::int64_t count_of(const std::vector<std::int64_t>& rows) {
  return static_cast<std::int64_t>(rows.size());
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SelectRows& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 2, in, "a matrix", name);
  require_rows(op.rows, in.shape[0], name);
  return {{count_of(op.rows), in.shape[1]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const PlaceRows& op) {
  const Value& in = float_operand(graph, op.in, name);
  require(in.shape.size() == 2 && in.shape[0] == count_of(op.rows), in,
          std::to_string(op.rows.size()) + " rows", name);
  require_rows(op.rows, op.size, name);
  return {{op.size, in.shape[1]}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name,
                                const ReplaceRows& op) {
  const Value& table = float_operand(graph, op.table, name);
  require(table.shape.size() == 2, table, "a matrix", name);
  require_shape(float_operand(graph, op.replacement, name), {count_of(op.rows), table.shape[1]},
                name);
  require_rows(op.rows, table.shape[0], name);
  return {table.shape};
}

template <class T>
void run(const SelectRows& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  T* out = arrays.result(op.out);
  for (const std::int64_t row : op.rows) {
    out = std::copy_n(arrays.floats(op.in) + row * columns, columns, out);
  }
}
template void run(const SelectRows& op, Arrays<float>& arrays);
template void run(const SelectRows& op, Arrays<double>& arrays);

template <class T>
void run(const PlaceRows& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.in);
  const T* in = arrays.floats(op.in);
  for (const std::int64_t row : op.rows) {
    std::copy_n(in, columns, arrays.result(op.out) + row * columns);
    in += columns;
  }
}
template void run(const PlaceRows& op, Arrays<float>& arrays);
template void run(const PlaceRows& op, Arrays<double>& arrays);

template <class T>
void run(const ReplaceRows& op, Arrays<T>& arrays) {
  const std::int64_t columns = arrays.columns(op.table);
  const T* replacement = arrays.floats(op.replacement);
  std::copy_n(arrays.floats(op.table), arrays.elements(op.table), arrays.result(op.out));
  for (const std::int64_t row : op.rows) {
    std::copy_n(replacement, columns, arrays.result(op.out) + row * columns);
    replacement += columns;
  }
}
template void run(const ReplaceRows& op, Arrays<float>& arrays);
template void run(const ReplaceRows& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const SelectRows& op, ValueId gradient) {
  backward.add_op(op.in, op.out,
                  PlaceRows{gradient, -1, op.rows, backward.graph().value(op.in).shape[0]});
}

void pull_back(Backward& backward, const ReplaceRows& op, ValueId gradient) {
  if (backward.needs(op.table)) {
    throw InputError(backward.graph().value(op.table).name +
                     ": the gradient of a table with replaced rows is not supported");
  }
  backward.add_op(op.replacement, op.out, SelectRows{gradient, -1, op.rows});
}

ValueId add_select_rows(Graph& graph, const std::string& name, ValueId in,
                        std::vector<std::int64_t> rows, DType dtype) {
  return add_single(graph, name, SelectRows{in, -1, std::move(rows)}, dtype);
}

ValueId add_replace_rows(Graph& graph, const std::string& name, ValueId table, ValueId replacement,
                         std::vector<std::int64_t> rows, DType dtype) {
  return add_single(graph, name, ReplaceRows{table, replacement, -1, std::move(rows)}, dtype);
}

}  // namespace corank
