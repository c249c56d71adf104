#include "models/peft/linear_product.h"

#include "models/base/error.h"
#include "models/peft/trained_parameters.h"

namespace corank {

const Module& linear_to_adapt(const Transformer& transformer, std::set<std::string>& adapted,
                              const std::string& name, const char* method) {
  require_once(adapted, name, "an adapter's module");
  const Module& module = required_module(transformer, name);
  if (module.kind != ModuleKind::kLinear) {
    throw InputError(std::string(method) + ": " + name + " is no linear, which an adapter needs");
  }
  return module;
}

ValueId add_trained_operand(Graph& graph, const std::string& name, const Shape& shape) {
  const ValueId master = add_value(graph, {name, shape, DType::F32, Role::kTrainable});
  return add_convert(graph, name + ".bf16", master);
}

Contraction& linear_of(GraphRewriter& rewriter, ValueId output, const char* method) {
  const Graph& graph = rewriter.graph();
  const std::string wraps = graph.value(output).name + ": " + method + " wraps a linear, but ";
  if (!is_computed(graph.value(output))) throw InputError(wraps + "no op computes this value");
  auto* contraction = std::get_if<Contraction>(&rewriter.writer_of(output));
  if (contraction == nullptr || contraction->terms.empty())
    throw InputError(wraps + "this value is no contraction");
  const Term& term = contraction->terms.front();
  if (term.left_transposed || !term.right_transposed)
    throw InputError(wraps + "the first term is not x . W^T");
  const Value& weight = graph.value(term.right);
  if (weight.role != Role::kFrozen)
    throw InputError(wraps + weight.name + " is not a frozen weight");
  if (contraction->scale != 1.0f)  // it would multiply the adapter's term too
    throw InputError(wraps + "this contraction has a scale");
  return *contraction;
}

void add_delta(GraphRewriter& rewriter, const Module& module,
               const std::function<ScaledTerm()>& append) {
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    const ScaledTerm product = append();
    const ValueId delta =
        add_contraction(graph, module.name + ".delta", {product.term}, product.factor, std::nullopt,
                        DType::F32, Role::kIntermediate);
    graph.ops.push_back(Add{base, delta, module.out});
  });
}

void add_product(GraphRewriter& rewriter, const Module& module, const char* method,
                 const std::function<Term()>& append) {
  if (!std::holds_alternative<Contraction>(rewriter.writer_of(module.out))) {
    add_delta(rewriter, module, [&] { return ScaledTerm{append(), 1.0f}; });
    return;
  }
  Term product;
  rewriter.insert_before(module.out, [&] { product = append(); });
  linear_of(rewriter, module.out, method).terms.push_back(product);
}

}  // namespace corank
