// The layouts of multi-head attention, and key-value heads that serve several query heads
// (grouped queries: Ainslie et al., 2023, arXiv 2305.13245).
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// [batch * sequence, heads * D] -> [batch * heads, sequence, D]; head a has columns [a D, (a+1)
/// D).
struct SplitHeads {
  ValueId in = -1, out = -1;
  std::int64_t batch = 0, heads = 0;

  static constexpr OpTraits kTraits = {"split_heads", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&SplitHeads::in>;
  using Results = Fields<&SplitHeads::out>;
};

/// The way back: [batch * heads, sequence, D] -> [batch * sequence, heads * D].
struct MergeHeads {
  ValueId in = -1, out = -1;
  std::int64_t batch = 0, heads = 0;

  static constexpr OpTraits kTraits = {"merge_heads", Recompute::kNever, OpClass::kOrdinary, true};
  using Operands = Fields<&MergeHeads::in>;
  using Results = Fields<&MergeHeads::out>;
};

/// [n, sequence, D] -> [n * times, sequence, D]: every head `times` times in succession.
struct RepeatHeads {
  ValueId in = -1, out = -1;
  std::int64_t times = 1;

  static constexpr OpTraits kTraits = {"repeat_heads", Recompute::kAlways, OpClass::kOrdinary,
                                       true};
  using Operands = Fields<&RepeatHeads::in>;
  using Results = Fields<&RepeatHeads::out>;
};

/// And back: the sum of every `times` successive heads, ascending.
struct SumHeads {
  ValueId in = -1, out = -1;
  std::int64_t times = 1;

  static constexpr OpTraits kTraits = {"sum_heads"};
  using Operands = Fields<&SumHeads::in>;
  using Results = Fields<&SumHeads::out>;
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SplitHeads& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const MergeHeads& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const RepeatHeads& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const SumHeads& op);
template <class T>
void run(const SplitHeads& op, Arrays<T>& arrays);
template <class T>
void run(const MergeHeads& op, Arrays<T>& arrays);
template <class T>
void run(const RepeatHeads& op, Arrays<T>& arrays);
template <class T>
void run(const SumHeads& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const SplitHeads& op, ValueId gradient);
void pull_back(Backward& backward, const MergeHeads& op, ValueId gradient);
void pull_back(Backward& backward, const RepeatHeads& op, ValueId gradient);
void pull_back(Backward& backward, const SumHeads& op, ValueId gradient);

ValueId add_split_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t batch,
                        std::int64_t heads, DType dtype = DType::BF16);
ValueId add_merge_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t batch,
                        std::int64_t heads, DType dtype = DType::BF16);
ValueId add_sum_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t times,
                      DType dtype = DType::BF16);
ValueId add_repeat_heads(Graph& graph, const std::string& name, ValueId in, std::int64_t times,
                         DType dtype = DType::BF16);

}  // namespace corank
