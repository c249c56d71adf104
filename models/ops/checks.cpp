#include "models/ops/checks.h"

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {

std::string typed(const Value& value) {
  return value.name + " " + name_of(value.dtype) + " " + to_string(value.shape);
}

const Value& existing_operand(const Graph& graph, ValueId id, const std::string& reader) {
  if (id < 0 || static_cast<std::size_t>(id) >= graph.values.size()) {
    throw InputError(reader + ": no value has the number " + std::to_string(id));
  }
  return graph.value(id);
}

const Value& float_operand(const Graph& graph, ValueId id, const std::string& reader) {
  const Value& value = existing_operand(graph, id, reader);
  require_dtype(value, {DType::BF16, DType::F32}, reader);
  return value;
}

const Value& integer_operand(const Graph& graph, ValueId id, const std::string& reader) {
  const Value& value = existing_operand(graph, id, reader);
  require_dtype(value, {DType::I64}, reader);
  return value;
}

void require_dtype(const Value& value, std::initializer_list<DType> allowed,
                   const std::string& reader) {
  std::string expected;
  for (const DType dtype : allowed) {
    if (value.dtype == dtype) return;
    expected += (expected.empty() ? "" : " or ") + std::string(name_of(dtype));
  }
  throw InputError(reader + ": expected " + expected + ", found " + typed(value));
}

void require_shape(const Value& value, const Shape& expected, const std::string& reader) {
  require(value.shape == expected, value, "the shape " + to_string(expected), reader);
}

void require(bool holds, const Value& value, const std::string& expected,
             const std::string& reader) {
  if (!holds) throw InputError(reader + ": expected " + expected + ", found " + typed(value));
}

void require_option(bool holds, const char* optimizer, const char* option, const char* expected,
                    double found) {
  if (holds) return;
  throw InputError(std::string(optimizer) + ": expected " + option + " " + expected + ", found " +
                   short_number(found));
}

Shape require_rows(const Graph& graph, const std::string& name, ValueId left, ValueId right) {
  const Value& whole = float_operand(graph, left, name);
  const Value& rows = float_operand(graph, right, name);
  require(columns_of(whole) == columns_of(rows) && rows_of(whole) % rows_of(rows) == 0, rows,
          "columns of " + typed(whole) + ", and rows that divide its own", name);
  return whole.shape;
}

std::int64_t columns_of(const Value& value) { return value.shape.back(); }

std::int64_t rows_of(const Value& value) { return element_count(value.shape) / value.shape.back(); }

}  // namespace corank
