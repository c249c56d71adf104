#include "models/peft/lora.h"

#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/graph_rewriter.h"
#include "models/peft/trained_parameters.h"

namespace corank {
namespace {

/// The linear that computes a value: its first term is x . W^T.
Contraction& linear_of(GraphRewriter& rewriter, ValueId output) {
  const Graph& graph = rewriter.graph();
  const std::string& name = graph.value(output).name;
  if (!is_computed(graph.value(output))) {
    throw InputError(name + ": LoRA wraps a linear, but no op computes this value");
  }
  auto* contraction = std::get_if<Contraction>(&rewriter.writer_of(output));
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
  return *contraction;
}

struct LoraNames {
  std::string a, b, u, dropped;
};

/// What the adapters of a plan have in common, but for the stream of the dropout.
struct LoraChoices {
  bool frozen_down = false;
  double dropout = 0;
  std::uint64_t seed = 0, stream = 0;
  ValueId step = -1;
};

/// What an adapter of a linear reads and how large its factors are.
struct LinearShape {
  ValueId x = -1;
  std::int64_t in = 0, out = 0;
};

LinearShape shape_of(const Graph& graph, ValueId x, ValueId weight) {
  return {x, graph.value(weight).shape.back(), graph.value(weight).shape.front()};
}

/// Appends u = bf16(s * (x . A^T)) and the copy of B: the factors of u . B^T.
LoraValues add_factors(Graph& graph, const LinearShape& linear, const LoraScale& lora,
                       const LoraNames& names, const LoraChoices& choices) {
  const float scale = scale_of(lora);
  LoraValues added;
  graph.origin.kind.part = Part::kAdapterDown;
  const Shape a_shape{lora.rank, linear.in};
  added.a = choices.frozen_down
                ? add_value(graph, {names.a, a_shape, DType::BF16, Role::kFrozen})
                : add_value(graph, {names.a, a_shape, DType::F32, Role::kTrainable});
  graph.origin.kind.part = Part::kAdapterUp;
  added.b = add_value(graph, {names.b, {linear.out, lora.rank}, DType::F32, Role::kTrainable});
  added.a_operand = choices.frozen_down ? added.a : add_convert(graph, names.a + ".bf16", added.a);
  added.b_operand = add_convert(graph, names.b + ".bf16", added.b);
  const ValueId x = choices.dropout == 0
                        ? linear.x
                        : add_dropout(graph, names.dropped, linear.x, choices.step, choices.dropout,
                                      choices.seed, choices.stream);
  added.scaled_u = add_contraction(
      graph, names.u, {{x, false, added.a_operand, true, {Part::kAdapterDown, Pass::kForward}}},
      scale, std::nullopt, DType::BF16, Role::kIntermediate);
  return added;
}

Term up_term(const LoraValues& lora) {
  return {lora.scaled_u, false, lora.b_operand, true, {Part::kAdapterUp, Pass::kForward}};
}

/// The product u . B^T goes on with the linear's own sum.
LoraValues wrap_linear(GraphRewriter& rewriter, ValueId output, const LinearShape& linear,
                       const LoraScale& lora, const LoraNames& names, const LoraChoices& choices) {
  LoraValues added;
  rewriter.insert_before(
      output, [&] { added = add_factors(rewriter.graph(), linear, lora, names, choices); });
  linear_of(rewriter, output).terms.push_back(up_term(added));
  return added;
}

/// out = base + s * A[...]^T . B^T, in which `append` says what is multiplied.
void add_delta(GraphRewriter& rewriter, const Module& module,
               const std::function<std::pair<Term, float>()>& append) {
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    const auto [up, scale] = append();
    const ValueId delta = add_contraction(graph, module.name + ".delta", {up}, scale, std::nullopt,
                                          DType::F32, Role::kIntermediate);
    graph.ops.push_back(Add{base, delta, module.out});
  });
}

void wrap_linear_module(GraphRewriter& rewriter, const Module& module, const LoraScale& lora,
                        const LoraChoices& choices) {
  const LinearShape linear = shape_of(rewriter.graph(), module.in, module.weight);
  const LoraNames names{module.name + ".lora_A.weight", module.name + ".lora_B.weight",
                        module.name + ".u", module.name + ".dropped"};
  if (std::holds_alternative<Contraction>(rewriter.writer_of(module.out))) {
    wrap_linear(rewriter, module.out, linear, lora, names, choices);
    return;
  }
  add_delta(rewriter, module, [&] {
    return std::make_pair(up_term(add_factors(rewriter.graph(), linear, lora, names, choices)),
                          1.0f);
  });
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
  const auto* leading = std::get_if<Slice>(&op);  // of the table of positions
  if (leading == nullptr) {
    throw InputError("LoRA: " + module + " has an adapter already, or computes no rows of a table");
  }
  const ValueId columns =
      add_slice(graph, module + ".columns", a, 1, leading->begin, leading->length, DType::F32);
  term.left = add_convert(graph, module + ".u", columns);
  term.left_transposed = true;
  return term;
}

/// out = E[ids] + s * A[:, ids]^T . B^T
void wrap_embedding(GraphRewriter& rewriter, const Module& module, const LoraScale& lora) {
  const float scale = scale_of(lora);
  const Op taken = rewriter.writer_of(module.out);
  add_delta(rewriter, module, [&] {
    Graph& graph = rewriter.graph();
    const Shape table = graph.value(module.weight).shape;
    const std::string b_name = module.name + ".lora_embedding_B";
    const ValueId a = add_value(
        graph,
        {module.name + ".lora_embedding_A", {lora.rank, table[0]}, DType::F32, Role::kTrainable});
    const ValueId b =
        add_value(graph, {b_name, {table[1], lora.rank}, DType::F32, Role::kTrainable});
    Term up = taken_rows(graph, taken, module.name, a);
    up.right = add_convert(graph, b_name + ".bf16", b);
    up.right_transposed = true;
    return std::make_pair(up, scale);
  });
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
  GraphRewriter rewriter(graph);
  const Term base = linear_of(rewriter, linear_output).terms.front();
  return wrap_linear(rewriter, linear_output, shape_of(graph, base.left, base.right), lora,
                     {prefix + "lora_A", prefix + "lora_B", prefix + "u", prefix + "dropped"}, {});
}

void apply_lora(Transformer& transformer, const LoraPlan& plan) {
  if (!(plan.dropout >= 0 && plan.dropout < 1)) {
    throw InputError("LoRA: expected a dropout from 0 to below 1, found " +
                     short_number(plan.dropout));
  }
  GraphRewriter rewriter(transformer.graph);
  std::set<std::string> adapted;
  LoraChoices choices{plan.frozen_down, plan.dropout, plan.dropout_seed, 0, -1};
  if (plan.dropout > 0) {
    choices.step = add_value(transformer.graph, {"dropout_step", {1}, DType::I64, Role::kInput});
  }
  for (const LoraModule& adapter : plan.adapters) {
    require_once(adapted, adapter.module, "an adapter's module");
    const Module& module = required_module(transformer, adapter.module);
    switch (module.kind) {
      case ModuleKind::kLinear:
        wrap_linear_module(rewriter, module, adapter.scale, choices);
        ++choices.stream;
        break;
      case ModuleKind::kEmbedding:
        wrap_embedding(rewriter, module, adapter.scale);
        break;
      case ModuleKind::kNorm:
        throw InputError("LoRA: " + module.name +
                         " is a normalisation; an adapter needs a linear or an embedding");
    }
  }
  check(transformer.graph);
}

}  // namespace corank
