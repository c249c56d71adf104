#include "models/peft/lora.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "models/base/error.h"

namespace corank {
namespace {

std::size_t op_that_writes(const Graph& graph, ValueId id) {
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const std::vector<ValueId> results = results_of(graph.ops[i]);
    if (std::find(results.begin(), results.end(), id) != results.end()) return i;
  }
  throw InputError(graph.value(id).name + ": LoRA wraps a linear, but no op computes this value");
}

/// The term x . W^T of a linear.
Term linear_term(const Graph& graph, const Op& op, const std::string& name) {
  const auto* contraction = std::get_if<Contraction>(&op);
  if (contraction == nullptr || contraction->terms.empty()) {
    throw InputError(name + ": LoRA wraps a linear, but this value is no contraction");
  }
  const Term& term = contraction->terms.front();
  if (term.left_transposed || !term.right_transposed) {
    throw InputError(name + ": LoRA wraps a linear, but the first term is not x . W^T");
  }
  const Value& weight = graph.value(term.right);
  if (weight.role != Role::kFrozen) {
    throw InputError(name + ": LoRA wraps a linear, but " + weight.name +
                     " is not a frozen weight");
  }
  if (contraction->scale != 1.0f) {  // it would multiply the adapter's term too
    throw InputError(name + ": LoRA wraps a linear, but this contraction has a scale");
  }
  return term;
}

}  // namespace

float scale_of(const LoraScale& lora) {
  if (lora.rank < 1) {
    throw InputError("LoRA: expected a rank of at least 1, found " + std::to_string(lora.rank));
  }
  const double rank = lora.rank;
  const auto scale =
      static_cast<float>(lora.alpha / (lora.rank_stabilized ? std::sqrt(rank) : rank));
  if (!std::isfinite(scale)) {
    throw InputError("LoRA: expected a finite scale, found alpha " + std::to_string(lora.alpha));
  }
  return scale;
}

LoraValues wrap_with_lora(Graph& graph, ValueId linear_output, const LoraScale& lora,
                          const std::string& prefix) {
  const std::size_t linear = op_that_writes(graph, linear_output);
  const Term base = linear_term(graph, graph.ops[linear], graph.value(linear_output).name);
  const float scale = scale_of(lora);
  const std::int64_t in = graph.value(base.right).shape.back();
  const std::int64_t out = graph.value(base.right).shape.front();

  LoraValues added;
  added.a = add_value(graph, {prefix + "lora_A", {lora.rank, in}, DType::F32, Role::kTrainable});
  added.b = add_value(graph, {prefix + "lora_B", {out, lora.rank}, DType::F32, Role::kTrainable});
  const std::size_t appended = graph.ops.size();
  added.a_operand = add_convert(graph, prefix + "lora_A.bf16", added.a);
  added.b_operand = add_convert(graph, prefix + "lora_B.bf16", added.b);
  const GemmKind down{Part::kAdapterDown, Pass::kForward};
  const GemmKind up{Part::kAdapterUp, Pass::kForward};
  added.scaled_u = add_contraction(graph, prefix + "u",
                                   {{base.left, base.left_transposed, added.a_operand, true, down}},
                                   scale, std::nullopt, DType::BF16, Role::kIntermediate);
  std::get<Contraction>(graph.ops[linear])
      .terms.push_back({added.scaled_u, false, added.b_operand, true, up});

  // The new ops were appended; they must stand before the linear that now reads them.
  const auto begin = graph.ops.begin();
  std::rotate(begin + static_cast<std::ptrdiff_t>(linear),
              begin + static_cast<std::ptrdiff_t>(appended), graph.ops.end());
  return added;
}

}  // namespace corank
