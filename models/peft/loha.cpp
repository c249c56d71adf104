#include "models/peft/loha.h"

#include <set>

#include "models/peft/linear_product.h"

namespace corank {
namespace {

constexpr GemmKind kLohaKind{Part::kAdapterUp, Pass::kForward};

/// w_a . w_b [out, in]
ValueId add_low_rank(Graph& graph, const std::string& name, const Shape& weight, int rank) {
  const ValueId a = add_trained_operand(graph, name + "_a", {weight[0], rank});
  const ValueId b = add_trained_operand(graph, name + "_b", {rank, weight[1]});
  return add_contraction(graph, name, {{a, false, b, false, kLohaKind}}, 1.0f, std::nullopt,
                         DType::F32, Role::kIntermediate);
}

}  // namespace

void apply_loha(Transformer& transformer, const LohaPlan& plan) {
  Graph& graph = transformer.graph;
  GraphRewriter rewriter(graph);
  std::set<std::string> adapted;
  for (const auto& [name, lora] : plan.adapters) {
    const Module& module = linear_to_adapt(transformer, adapted, name, "LoHa");
    const float scale = scale_of(lora);
    add_product(rewriter, module, "LoHa", [&, &name = name, &lora = lora] {
      const Shape weight = graph.value(module.weight).shape;
      graph.origin.kind = kLohaKind;
      const ValueId w1 = add_low_rank(graph, name + ".hada_w1", weight, lora.rank);
      const ValueId w2 = add_low_rank(graph, name + ".hada_w2", weight, lora.rank);
      const ValueId product = add_multiply(graph, name + ".hada_product", w1, w2, DType::F32);
      const ValueId change = add_scale(graph, name + ".weight_change", product, scale);
      return Term{module.in, false, change, true, kLohaKind};
    });
  }
  check(graph);
}

}  // namespace corank
