// A part of an array, and an array made of parts.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// out = elements [begin, begin + length) of in along an axis (0, 1 or 2).
struct Slice {
  ValueId in = -1, out = -1;
  int axis = 0;
  std::int64_t begin = 0, length = 0;

  static constexpr OpTraits kTraits = {"slice", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&Slice::in>;
  using Results = Fields<&Slice::out>;
};

/// out = zeros, with in at [begin, begin + length of in) of an axis of `size`.
struct Pad {
  ValueId in = -1, out = -1;
  int axis = 0;
  std::int64_t begin = 0, size = 0;

  static constexpr OpTraits kTraits = {"pad", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&Pad::in>;
  using Results = Fields<&Pad::out>;
};

/// out = the parts, one after another along an axis.
struct Concat {
  std::vector<ValueId> parts;
  ValueId out = -1;
  int axis = 0;

  static constexpr OpTraits kTraits = {"concat", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&Concat::parts>;
  using Results = Fields<&Concat::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Slice& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Pad& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Concat& op);
template <class T>
void run(const Slice& op, Arrays<T>& arrays);
template <class T>
void run(const Pad& op, Arrays<T>& arrays);
template <class T>
void run(const Concat& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Slice& op, ValueId gradient);
void pull_back(Backward& backward, const Pad& op, ValueId gradient);
void pull_back(Backward& backward, const Concat& op, ValueId gradient);

ValueId add_slice(Graph& graph, const std::string& name, ValueId in, int axis, std::int64_t begin,
                  std::int64_t length, DType dtype = DType::BF16);
ValueId add_pad(Graph& graph, const std::string& name, ValueId in, int axis, std::int64_t begin,
                std::int64_t size, DType dtype = DType::BF16);
ValueId add_concat(Graph& graph, const std::string& name, std::vector<ValueId> parts, int axis,
                   DType dtype = DType::BF16);

}  // namespace corank
