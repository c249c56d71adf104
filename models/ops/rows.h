// Chosen rows of a matrix: the first token of every sequence, trained tokens of a table.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// out[i] = in[rows[i]].
struct SelectRows {
  ValueId in = -1, out = -1;  // [n, columns], [number of rows, columns]
  std::vector<std::int64_t> rows;

  static constexpr OpTraits kTraits = {"select_rows", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&SelectRows::in>;
  using Results = Fields<&SelectRows::out>;
};

/// out = zeros [size, columns], out[rows[i]] = in[i]: a selection's derivative. Each row once.
struct PlaceRows {
  ValueId in = -1, out = -1;
  std::vector<std::int64_t> rows;
  std::int64_t size = 0;

  static constexpr OpTraits kTraits = {"place_rows", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&PlaceRows::in>;
  using Results = Fields<&PlaceRows::out>;
};

/// out = table, but out[rows[i]] = replacement[i]. The table is frozen.
struct ReplaceRows {
  ValueId table = -1, replacement = -1, out = -1;
  std::vector<std::int64_t> rows;

  static constexpr OpTraits kTraits = {"replace_rows", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&ReplaceRows::table, &ReplaceRows::replacement>;
  using Results = Fields<&ReplaceRows::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SelectRows& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const PlaceRows& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const ReplaceRows& op);
template <class T>
void run(const SelectRows& op, Arrays<T>& arrays);
template <class T>
void run(const PlaceRows& op, Arrays<T>& arrays);
template <class T>
void run(const ReplaceRows& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const SelectRows& op, ValueId gradient);
void pull_back(Backward& backward, const ReplaceRows& op, ValueId gradient);

/// Throw InputError for a row that is not there, or is listed twice.
ValueId add_select_rows(Graph& graph, const std::string& name, ValueId in,
                        std::vector<std::int64_t> rows, DType dtype = DType::BF16);
ValueId add_replace_rows(Graph& graph, const std::string& name, ValueId table, ValueId replacement,
                         std::vector<std::int64_t> rows, DType dtype = DType::BF16);

}  // namespace corank
