// Rows of a table by index, and the way back.
#pragma once

#include <cstdint>
#include <optional>

#include "models/ops/op.h"

namespace corank {

/// out[t] = row ids[t] of the table, or its column if transposed. A negative id, or one beyond the
/// table, is an InputError when the op is executed.
struct Embedding {
  ValueId table = -1,
          ids = -1;  // [rows, columns], or [columns, rows] if transposed; I64 of any shape
  ValueId out = -1;  // [number of ids, columns]
  bool transposed = false;
  std::optional<std::int64_t> padding_id;  // this row gets no gradient

  static constexpr OpTraits kTraits = {"embedding", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&Embedding::table, &Embedding::ids>;
  using Results = Fields<&Embedding::out>;
};

/// out[ids[t]] += in[t], t ascending, from +0 everywhere; rows of padding_id are left out.
struct ScatterAdd {
  ValueId in = -1, ids = -1;  // [number of ids, columns]
  ValueId out = -1;           // [rows, columns], or [columns, rows] if transposed
  std::int64_t rows = 0;
  bool transposed = false;
  std::optional<std::int64_t> padding_id;

  static constexpr OpTraits kTraits = {"scatter_add"};
  using Operands = Fields<&ScatterAdd::in, &ScatterAdd::ids>;
  using Results = Fields<&ScatterAdd::out>;
};

/// Throws InputError, naming the ids' value and the table's, for an id that is no row of the table.
void check_ids(const Graph& graph, const Embedding& op, const std::int64_t* ids);

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Embedding& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const ScatterAdd& op);
template <class T>
void run(const Embedding& op, Arrays<T>& arrays);
template <class T>
void run(const ScatterAdd& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Embedding& op, ValueId gradient);

ValueId add_embedding(Graph& graph, const std::string& name, ValueId table, ValueId ids,
                      bool transposed, std::optional<std::int64_t> padding_id,
                      DType dtype = DType::BF16);

}  // namespace corank
