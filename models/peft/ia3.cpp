#include "models/peft/ia3.h"

#include <set>

#include "models/peft/linear_product.h"

namespace corank {
namespace {

ValueId add_vector(Graph& graph, const Module& module, ValueId scaled) {
  return add_value(
      graph,
      {module.name + ".ia3_l", {graph.value(scaled).shape.back()}, DType::F32, Role::kTrainable});
}

void scale_input(GraphRewriter& rewriter, const Module& module) {
  Graph& graph = rewriter.graph();
  ValueId scaled = -1;
  rewriter.insert_before_uses(module.span(), module.in, [&] {
    const ValueId l = add_vector(graph, module, module.in);
    scaled =
        add_multiply(graph, module.name + ".scaled", module.in, l, graph.value(module.in).dtype);
  });
  rewriter.replace_uses(module.span(), module.in, scaled);
}

void scale_output(GraphRewriter& rewriter, const Module& module) {
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    const ValueId l = add_vector(rewriter.graph(), module, base);
    rewriter.graph().ops.push_back(Multiply{base, l, module.out});
  });
}

}  // namespace

void apply_ia3(Transformer& transformer, const Ia3Plan& plan) {
  GraphRewriter rewriter(transformer.graph);
  std::set<std::string> adapted;
  for (const Ia3Module& adapter : plan.modules) {
    const Module& module = linear_to_adapt(transformer, adapted, adapter.module, "(IA)^3");
    adapter.feedforward ? scale_input(rewriter, module) : scale_output(rewriter, module);
  }
  check(transformer.graph);
}

}  // namespace corank
