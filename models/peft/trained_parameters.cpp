#include "models/peft/trained_parameters.h"

#include "models/base/error.h"

namespace corank {
namespace {

/// The other module that reads the same weight, if there is one.
Module* tied_module(Transformer& transformer, const Module& module) {
  for (Module& other : transformer.modules) {
    if (&other != &module && other.weight == module.weight) return &other;
  }
  return nullptr;
}

/// A weight of its own for a linear that shares one.
void untie(GraphRewriter& rewriter, Module& linear) {
  const ValueId shared = linear.weight;
  const Value like = rewriter.graph().value(shared);
  linear.weight =
      add_value(rewriter.graph(), {linear.name + ".weight", like.shape, like.dtype, Role::kFrozen});
  rewriter.replace_uses(linear.span(), shared, linear.weight);
}

void save_module(Transformer& transformer, const std::string& name) {
  Graph& graph = transformer.graph;
  GraphRewriter rewriter(graph);
  const Module& found = required_module(transformer, name);
  auto& module = transformer.modules[static_cast<std::size_t>(&found - &transformer.modules[0])];
  if (Module* tied = tied_module(transformer, module)) {
    untie(rewriter, module.kind == ModuleKind::kLinear ? module : *tied);
  }
  make_trainable(graph, module.weight);
  if (module.bias) make_trainable(graph, *module.bias);
  if (module.kind != ModuleKind::kLinear) return;
  ValueId operand = -1;
  rewriter.insert_first([&] {
    operand = add_convert(graph, graph.value(module.weight).name + ".bf16", module.weight);
  });
  rewriter.replace_uses(module.span(), module.weight, operand);
}

/// A module reads its weight with some of its rows replaced by trained ones. So does the head that
/// is tied to an embedding, unless rows of its own are trained.
void train_tokens(Transformer& transformer, const TrainableTokens& tokens,
                  const std::set<std::string>& trained_modules) {
  Graph& graph = transformer.graph;
  const Module& module = required_module(transformer, tokens.module);
  const bool linear = module.kind == ModuleKind::kLinear;
  if (module.kind == ModuleKind::kNorm || module.bias || tokens.tokens.empty()) {
    throw InputError(tokens.module +
                     ": trained tokens need an embedding, or a linear without a bias, and at least "
                     "one token");
  }
  const Value table = graph.value(module.weight);
  const Shape shape{static_cast<std::int64_t>(tokens.tokens.size()), table.shape[1]};
  const ValueId rows = add_value(graph, {module.name + ".token_adapter.trainable_tokens_delta",
                                         shape, DType::F32, Role::kTrainable});
  const Module* tied = linear ? nullptr : tied_module(transformer, module);
  if (tied != nullptr && trained_modules.count(tied->name) > 0) tied = nullptr;

  GraphRewriter rewriter(graph);
  ValueId replaced = -1, operand = -1;  // the second is that of a product
  rewriter.insert_first([&] {
    const std::string name = module.name + ".weight.replaced";
    replaced = add_replace_rows(graph, name, module.weight, rows, tokens.tokens, DType::F32);
    if (linear || tied != nullptr) operand = add_convert(graph, name + ".bf16", replaced);
  });
  rewriter.replace_uses(module.span(), module.weight, linear ? operand : replaced);
  if (tied != nullptr) rewriter.replace_uses(tied->span(), tied->weight, operand);
}

}  // namespace

void make_trainable(Graph& graph, ValueId parameter) {
  const Value& value = graph.value(parameter);
  if (value.storage) {
    throw InputError(value.name + " is packed (" + to_string(*value.storage) +
                     "), so that it cannot be trained");
  }
  graph.value(parameter).role = Role::kTrainable;
  graph.value(parameter).dtype = DType::F32;
}

void require_once(std::set<std::string>& seen, const std::string& module, const char* what) {
  if (!seen.insert(module).second) throw InputError(module + " is listed twice as " + what);
}

void train_parameters(Transformer& transformer, const TrainedParameters& parameters,
                      const std::vector<std::string>& adapted) {
  const std::set<std::string> with_adapter(adapted.begin(), adapted.end());
  std::set<std::string> biases, trained_in_full, token_trained;
  for (const std::string& name : parameters.saved_modules) {
    require_once(trained_in_full, name, "a saved module");
    if (with_adapter.count(name) > 0) throw InputError(name + " is both adapted and saved");
    save_module(transformer, name);
  }
  for (const std::string& name : parameters.trainable_biases) {
    require_once(biases, name, "a module with a trainable bias");
    const Module& module = required_module(transformer, name);
    if (!module.bias) throw InputError(name + " has no bias to train");
    make_trainable(transformer.graph, *module.bias);
  }
  for (const TrainableTokens& tokens : parameters.trainable_tokens) {
    require_once(token_trained, tokens.module, "a module with trained tokens");
    if (trained_in_full.count(tokens.module) > 0) {
      throw InputError(tokens.module + " is saved, so that its tokens are trained");
    }
  }
  for (const TrainableTokens& tokens : parameters.trainable_tokens) {
    train_tokens(transformer, tokens, token_trained);
  }
  check(transformer.graph);
}

}  // namespace corank
