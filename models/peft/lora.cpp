#include "models/peft/lora.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <set>
#include <utility>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

std::size_t op_that_writes(const Graph& graph, ValueId id) {
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const std::vector<ValueId> results = results_of(graph.ops[i]);
    if (std::find(results.begin(), results.end(), id) != results.end()) return i;
  }
  throw InputError(graph.value(id).name + ": LoRA wraps a linear, but no op computes this value");
}

/// Moves the ops from `appended` on to the position `to`: before the op that reads their results.
void move_ops(Graph& graph, std::size_t appended, std::size_t to) {
  // Not std::rotate: it swaps ops, and the swap of each kind with each takes minutes to compile.
  const auto first = graph.ops.begin() + static_cast<std::ptrdiff_t>(appended);
  std::vector<Op> moved(std::make_move_iterator(first), std::make_move_iterator(graph.ops.end()));
  graph.ops.erase(first, graph.ops.end());
  graph.ops.insert(graph.ops.begin() + static_cast<std::ptrdiff_t>(to),
                   std::make_move_iterator(moved.begin()), std::make_move_iterator(moved.end()));
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

struct LoraNames {
  std::string a, b, u, dropped;
};

struct LoraDropout {
  double rate = 0;
  std::uint64_t seed = 0, stream = 0;
  ValueId step = -1;
};

LoraValues wrap_linear(Graph& graph, ValueId linear_output, const LoraScale& lora,
                       const LoraNames& names, const LoraDropout& dropout) {
  const std::size_t linear = op_that_writes(graph, linear_output);
  const Term base = linear_term(graph, graph.ops[linear], graph.value(linear_output).name);
  const float scale = scale_of(lora);
  const std::int64_t in = graph.value(base.right).shape.back();
  const std::int64_t out = graph.value(base.right).shape.front();

  LoraValues added;
  added.a = add_value(graph, {names.a, {lora.rank, in}, DType::F32, Role::kTrainable});
  added.b = add_value(graph, {names.b, {out, lora.rank}, DType::F32, Role::kTrainable});
  const std::size_t appended = graph.ops.size();
  added.a_operand = add_convert(graph, names.a + ".bf16", added.a);
  added.b_operand = add_convert(graph, names.b + ".bf16", added.b);
  const GemmKind down{Part::kAdapterDown, Pass::kForward};
  const GemmKind up{Part::kAdapterUp, Pass::kForward};
  const ValueId x = dropout.rate == 0 ? base.left
                                      : add_dropout(graph, names.dropped, base.left, dropout.step,
                                                    dropout.rate, dropout.seed, dropout.stream);
  added.scaled_u =
      add_contraction(graph, names.u, {{x, base.left_transposed, added.a_operand, true, down}},
                      scale, std::nullopt, DType::BF16, Role::kIntermediate);
  std::get<Contraction>(graph.ops[linear])
      .terms.push_back({added.scaled_u, false, added.b_operand, true, up});
  move_ops(graph, appended, linear);
  return added;
}

/// Rows of A^T in BF16: those that the op on the embedding's table takes, as a factor of A^T . B^T.
Term taken_rows(Graph& graph, const Op& op, const std::string& module, ValueId a) {
  Term term;
  term.kind = {Part::kAdapterUp, Pass::kForward};
  if (const auto* gather = std::get_if<Embedding>(&op)) {
    term.left =
        add_embedding(graph, module + ".u", a, gather->ids, true, gather->padding_id, DType::BF16);
    return term;
  }
  const auto& leading = std::get<Slice>(op);  // the table of positions
  const ValueId columns =
      add_slice(graph, module + ".columns", a, 1, leading.begin, leading.length, DType::F32);
  term.left = add_convert(graph, module + ".u", columns);
  term.left_transposed = true;
  return term;
}

/// out = E[ids] + s * A[:, ids]^T . B^T
void wrap_embedding(Graph& graph, const Module& module, const LoraScale& lora) {
  const std::size_t position = op_that_writes(graph, module.out);
  const float scale = scale_of(lora);
  const Value out = graph.value(module.out);
  const Shape table = graph.value(module.weight).shape;
  const ValueId base =
      add_value(graph, {module.name + ".base", out.shape, out.dtype, Role::kIntermediate});
  const Op taken = graph.ops[position];
  if (auto* gather = std::get_if<Embedding>(&graph.ops[position])) {
    gather->out = base;
  } else {
    std::get<Slice>(graph.ops[position]).out = base;
  }

  const std::string a_name = module.name + ".lora_embedding_A";
  const std::string b_name = module.name + ".lora_embedding_B";
  const ValueId a = add_value(graph, {a_name, {lora.rank, table[0]}, DType::F32, Role::kTrainable});
  const ValueId b = add_value(graph, {b_name, {table[1], lora.rank}, DType::F32, Role::kTrainable});
  const std::size_t appended = graph.ops.size();
  Term up = taken_rows(graph, taken, module.name, a);
  up.right = add_convert(graph, b_name + ".bf16", b);
  up.right_transposed = true;
  const ValueId delta = add_contraction(graph, module.name + ".delta", {up}, scale, std::nullopt,
                                        DType::F32, Role::kIntermediate);
  graph.ops.push_back(Add{base, delta, module.out});
  move_ops(graph, appended, position + 1);
}

const Module& required_module(const Transformer& transformer, const std::string& name) {
  const Module* module = find_module(transformer, name);
  if (module == nullptr) throw InputError("LoRA: the model has no module " + name);
  return *module;
}

void make_trainable(Graph& graph, ValueId id) {
  graph.value(id).role = Role::kTrainable;
  graph.value(id).dtype = DType::F32;
}

/// Lets the op of a linear or an embedding read another weight.
void set_weight(Graph& graph, const Module& module, ValueId weight) {
  Op& op = graph.ops[op_that_writes(graph, module.out)];
  if (auto* gather = std::get_if<Embedding>(&op)) {
    gather->table = weight;
  } else if (auto* leading = std::get_if<Slice>(&op)) {  // the table of positions
    leading->in = weight;
  } else {
    std::get<Contraction>(op).terms.front().right = weight;
  }
}

/// The other module that reads the same weight, if there is one.
Module* tied_module(Transformer& transformer, const Module& module) {
  for (Module& other : transformer.modules) {
    if (&other != &module && other.weight == module.weight) return &other;
  }
  return nullptr;
}

/// A weight of its own for a linear that shares one.
void untie(Graph& graph, Module& linear) {
  const Value shared = graph.value(linear.weight);
  linear.weight =
      add_value(graph, {linear.name + ".weight", shared.shape, shared.dtype, Role::kFrozen});
  set_weight(graph, linear, linear.weight);
}

void save_module(Transformer& transformer, const std::string& name) {
  Graph& graph = transformer.graph;
  const Module& found = required_module(transformer, name);
  auto& module = transformer.modules[static_cast<std::size_t>(&found - &transformer.modules[0])];
  if (Module* tied = tied_module(transformer, module)) {
    untie(graph, module.kind == ModuleKind::kLinear ? module : *tied);
  }
  make_trainable(graph, module.weight);
  if (module.bias) make_trainable(graph, *module.bias);
  if (module.kind == ModuleKind::kLinear) {
    const std::size_t appended = graph.ops.size();
    const ValueId operand =
        add_convert(graph, graph.value(module.weight).name + ".bf16", module.weight);
    set_weight(graph, module, operand);
    move_ops(graph, appended, 0);
  }
}

/// A module reads its weight with some of its rows replaced by trained ones. So does the head that
/// is tied to an embedding, unless rows of its own are trained.
void train_tokens(Transformer& transformer, const TrainableTokens& tokens,
                  const std::set<std::string>& trained_modules) {
  Graph& graph = transformer.graph;
  const Module module = required_module(transformer, tokens.module);
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
  const Module* tied =
      linear ? nullptr : tied_module(transformer, required_module(transformer, module.name));
  if (tied != nullptr && trained_modules.count(tied->name) > 0) tied = nullptr;

  const std::size_t appended = graph.ops.size();
  const std::string name = module.name + ".weight.replaced";
  const ValueId replaced =
      add_replace_rows(graph, name, module.weight, rows, tokens.tokens, DType::F32);
  ValueId operand = -1;  // of a product
  if (linear || tied != nullptr) operand = add_convert(graph, name + ".bf16", replaced);
  set_weight(graph, module, linear ? operand : replaced);
  if (tied != nullptr) set_weight(graph, *tied, operand);
  move_ops(graph, appended, 0);
}

void require_once(std::set<std::string>& seen, const std::string& module, const char* what) {
  if (!seen.insert(module).second) {
    throw InputError("LoRA: " + module + " is listed twice as " + what);
  }
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
    throw InputError("LoRA: expected a finite scale, found alpha " + short_number(lora.alpha));
  }
  return scale;
}

LoraValues wrap_with_lora(Graph& graph, ValueId linear_output, const LoraScale& lora,
                          const std::string& prefix) {
  return wrap_linear(graph, linear_output, lora,
                     {prefix + "lora_A", prefix + "lora_B", prefix + "u", prefix + "dropped"}, {});
}

void apply_lora(Transformer& transformer, const LoraPlan& plan) {
  Graph& graph = transformer.graph;
  std::set<std::string> adapted, biases, trained_in_full, token_trained;
  if (!(plan.dropout >= 0 && plan.dropout < 1)) {
    throw InputError("LoRA: expected a dropout from 0 to below 1, found " +
                     short_number(plan.dropout));
  }
  LoraDropout dropout{plan.dropout, plan.dropout_seed, 0, -1};
  if (plan.dropout > 0) {
    dropout.step = add_value(graph, {"dropout_step", {1}, DType::I64, Role::kInput});
  }
  for (const LoraModule& adapter : plan.adapters) {
    require_once(adapted, adapter.module, "an adapter's module");
    const Module& module = required_module(transformer, adapter.module);
    switch (module.kind) {
      case ModuleKind::kLinear:
        wrap_linear(graph, module.out, adapter.scale,
                    {module.name + ".lora_A.weight", module.name + ".lora_B.weight",
                     module.name + ".u", module.name + ".dropped"},
                    dropout);
        ++dropout.stream;
        break;
      case ModuleKind::kEmbedding:
        wrap_embedding(graph, module, adapter.scale);
        break;
      case ModuleKind::kNorm:
        throw InputError("LoRA: " + module.name +
                         " is a normalisation; an adapter needs a linear or an embedding");
    }
  }
  for (const std::string& name : plan.saved_modules) {
    require_once(trained_in_full, name, "a saved module");
    if (adapted.count(name) > 0) {
      throw InputError("LoRA: " + name + " is both adapted and saved");
    }
    save_module(transformer, name);
  }
  for (const std::string& name : plan.trainable_biases) {
    require_once(biases, name, "a module with a trainable bias");
    const Module& module = required_module(transformer, name);
    if (!module.bias) throw InputError("LoRA: " + name + " has no bias to train");
    make_trainable(graph, *module.bias);
  }
  for (const TrainableTokens& tokens : plan.trainable_tokens) {
    require_once(token_trained, tokens.module, "a module with trained tokens");
    if (trained_in_full.count(tokens.module) > 0) {
      throw InputError("LoRA: " + tokens.module + " is saved, so that its tokens are trained");
    }
  }
  for (const TrainableTokens& tokens : plan.trainable_tokens) {
    train_tokens(transformer, tokens, token_trained);
  }
  check(graph);
}

}  // namespace corank
