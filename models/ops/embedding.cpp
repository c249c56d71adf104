#include "models/ops/embedding.h"

#include "models/base/error.h"
#include "models/graph/backward.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

std::int64_t table_rows(const Value& table, bool transposed) {
  return transposed ? table.shape[1] : table.shape[0];
}

std::int64_t table_columns(const Value& table, bool transposed) {
  return transposed ? table.shape[0] : table.shape[1];
}

}  // namespace

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Embedding& op) {
  const Value& table = float_operand(graph, op.table, name);
  require(table.shape.size() == 2, table, "a matrix", name);
  const Value& ids = integer_operand(graph, op.ids, name);
  if (op.padding_id && (*op.padding_id < 0 || *op.padding_id >= table_rows(table, op.transposed))) {
    throw InputError(name + ": the padding id " + std::to_string(*op.padding_id) +
                     " is not in the table " + typed(table));
  }
  return {{element_count(ids.shape), table_columns(table, op.transposed)}};
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const ScatterAdd& op) {
  const Value& in = float_operand(graph, op.in, name);
  const Value& ids = integer_operand(graph, op.ids, name);
  require(in.shape.size() == 2 && in.shape[0] == element_count(ids.shape), in,
          std::to_string(element_count(ids.shape)) + " rows", name);
  return {op.transposed ? Shape{columns_of(in), op.rows} : Shape{op.rows, columns_of(in)}};
}

void check_ids(const Graph& graph, const Embedding& op, const std::int64_t* ids) {
  const Value& values = graph.value(op.ids);
  const std::int64_t rows = table_rows(graph.value(op.table), op.transposed);
  for (std::int64_t t = 0; t < element_count(values.shape); ++t) {
    if (ids[t] >= 0 && ids[t] < rows) continue;
    throw InputError(values.name + "[" + std::to_string(t) + "]: expected an id from 0 to " +
                     std::to_string(rows - 1) + ", the rows of " + graph.value(op.table).name +
                     ", found " + std::to_string(ids[t]));
  }
}

template <class T>
void run(const Embedding& op, Arrays<T>& arrays) {
  const T* table = arrays.floats(op.table);
  const std::int64_t* ids = arrays.integers(op.ids);
  T* out = arrays.result(op.out);
  const std::int64_t columns = arrays.columns(op.out);
  const std::int64_t rows = arrays.elements(op.table) / columns;
  check_ids(arrays.graph(), op, ids);
  for (std::int64_t t = 0; t < arrays.elements(op.ids); ++t) {
    const std::int64_t id = ids[t];
    for (std::int64_t i = 0; i < columns; ++i) {
      out[t * columns + i] = op.transposed ? table[i * rows + id] : table[id * columns + i];
    }
  }
}
template void run(const Embedding& op, Arrays<float>& arrays);
template void run(const Embedding& op, Arrays<double>& arrays);

template <class T>
void run(const ScatterAdd& op, Arrays<T>& arrays) {
  const T* in = arrays.floats(op.in);
  const std::int64_t* ids = arrays.integers(op.ids);
  T* out = arrays.result(op.out);
  const std::int64_t columns = arrays.columns(op.in);
  for (std::int64_t t = 0; t < arrays.elements(op.ids); ++t) {
    const std::int64_t id = ids[t];
    if (op.padding_id == id) continue;
    for (std::int64_t i = 0; i < columns; ++i) {
      T& sum = op.transposed ? out[i * op.rows + id] : out[id * columns + i];
      sum = sum + in[t * columns + i];
    }
  }
}
template void run(const ScatterAdd& op, Arrays<float>& arrays);
template void run(const ScatterAdd& op, Arrays<double>& arrays);

void pull_back(Backward& backward, const Embedding& op, ValueId gradient) {
  ScatterAdd scatter;
  scatter.in = gradient;
  scatter.ids = op.ids;
  scatter.rows = table_rows(backward.graph().value(op.table), op.transposed);
  scatter.transposed = op.transposed;
  scatter.padding_id = op.padding_id;
  backward.add_op(op.table, op.out, scatter);
}

ValueId add_embedding(Graph& graph, const std::string& name, ValueId table, ValueId ids,
                      bool transposed, std::optional<std::int64_t> padding_id, DType dtype) {
  return add_single(graph, name, Embedding{table, ids, -1, transposed, padding_id}, dtype);
}

}  // namespace corank
