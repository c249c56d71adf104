#include "models/peft/miss.h"

#include <set>

#include "models/base/error.h"
#include "models/peft/adapter_dropout.h"
#include "models/peft/linear_product.h"

namespace corank {
namespace {

/// The sums of the columns k, k + rank, ..., [rows, rank]. Missing columns of the last block are 0.
ValueId add_fold(Graph& graph, const std::string& name, ValueId x, std::int64_t rank) {
  const std::int64_t columns = graph.value(x).shape[1];
  const std::int64_t blocks = (columns + rank - 1) / rank;
  if (blocks == 1 && columns == rank) return x;
  if (columns % rank != 0)
    x = add_pad(graph, name + ".padded", x, 1, 0, blocks * rank, graph.value(x).dtype);
  const ValueId split = add_split_heads(graph, name + ".blocks", x, 1, blocks);
  const ValueId sum = add_sum_heads(graph, name + ".sum", split, blocks);
  return add_merge_heads(graph, name, sum, 1, 1);
}

}  // namespace

void apply_miss(Transformer& transformer, const MissPlan& plan) {
  Graph& graph = transformer.graph;
  AdapterDropout dropout = adapter_dropout(graph, plan.dropout, plan.dropout_seed, "MiSS");
  GraphRewriter rewriter(graph);
  std::set<std::string> adapted;
  for (const std::string& name : plan.modules) {
    const Module& module = linear_to_adapt(transformer, adapted, name, "MiSS");
    const Shape weight = graph.value(module.weight).shape;
    if (plan.rank < 1 || plan.rank > weight[1])
      throw InputError("MiSS: expected a rank from 1 to the " + std::to_string(weight[1]) +
                       " features that " + name + " reads, found " + std::to_string(plan.rank));
    add_product(rewriter, module, "MiSS", [&] {
      const ValueId x = add_dropped(graph, name + ".dropped", module.in, dropout);
      const ValueId fold = add_fold(graph, name + ".fold", x, plan.rank);
      graph.origin.kind.part = Part::kAdapterUp;
      const ValueId operand =
          add_trained_operand(graph, name + ".miss_block", {plan.rank, weight[0]});
      return Term{fold, false, operand, false, {Part::kAdapterUp, Pass::kForward}};
    });
    ++dropout.stream;
  }
  check(graph);
}

}  // namespace corank
