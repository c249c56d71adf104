#include "models/peft/lora.h"

#include <cmath>
#include <set>
#include <utility>

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/graph/graph_rewriter.h"
#include "models/peft/adapter_dropout.h"
#include "models/peft/linear_product.h"
#include "models/peft/trained_parameters.h"

namespace corank {
namespace {

struct LoraNames {
  std::string a, b, u, dropped;
};

/// What the adapters of a plan have in common, but for the stream of the dropout.
struct LoraChoices {
  bool frozen_down = false, trained_norms = false;
  AdapterDropout dropout;
};

/// What an adapter of a linear reads and how large its factors are.
struct LinearShape {
  ValueId x = -1;
  std::int64_t in = 0, out = 0;
};

LinearShape shape_of(const Graph& graph, ValueId x, ValueId weight) {
  return {x, graph.value(weight).shape.back(), graph.value(weight).shape.front()};
}

struct Factors {
  LoraValues values;
  ValueId x = -1;  // what A reads: dropped, or as the linear reads it
};

/// Appends u = bf16(s * (x . A^T)) and the copy of B: the factors of u . B^T.
Factors add_factors(Graph& graph, const LinearShape& linear, const LoraScale& lora,
                    const LoraNames& names, const LoraChoices& choices) {
  const float scale = scale_of(lora);
  Factors added;
  graph.origin.kind.part = Part::kAdapterDown;
  const Shape a_shape{lora.rank, linear.in};
  added.values.a = choices.frozen_down
                       ? add_value(graph, {names.a, a_shape, DType::BF16, Role::kFrozen})
                       : add_value(graph, {names.a, a_shape, DType::F32, Role::kTrainable});
  graph.origin.kind.part = Part::kAdapterUp;
  added.values.b =
      add_value(graph, {names.b, {linear.out, lora.rank}, DType::F32, Role::kTrainable});
  added.values.a_operand =
      choices.frozen_down ? added.values.a : add_convert(graph, names.a + ".bf16", added.values.a);
  added.values.b_operand = add_convert(graph, names.b + ".bf16", added.values.b);
  added.x = add_dropped(graph, names.dropped, linear.x, choices.dropout);
  added.values.scaled_u = add_contraction(
      graph, names.u,
      {{added.x, false, added.values.a_operand, true, {Part::kAdapterDown, Pass::kForward}}}, scale,
      std::nullopt, DType::BF16, Role::kIntermediate);
  return added;
}

Term up_term(const LoraValues& lora) {
  return {lora.scaled_u, false, lora.b_operand, true, {Part::kAdapterUp, Pass::kForward}};
}

// ---- DoRA ----

/// c = m / |row of W + s * B . A|
ValueId add_norm_scale(Graph& graph, const Module& module, const LoraScale& lora,
                       const Factors& factors) {
  const std::string& name = module.name;
  const ValueId m = add_value(graph, {name + ".lora_magnitude_vector",
                                      {graph.value(module.weight).shape.front()},
                                      DType::F32,
                                      Role::kTrainable});
  const ValueId change =
      add_contraction(graph, name + ".weight_change",
                      {{factors.values.b_operand,
                        false,
                        factors.values.a_operand,
                        false,
                        {Part::kAdapterUp, Pass::kForward}}},
                      scale_of(lora), std::nullopt, DType::F32, Role::kIntermediate);
  const ValueId adapted =
      add_add(graph, name + ".adapted_weight", change, module.weight, DType::F32);
  const ValueId inverse = add_inverse_row_norms(graph, name + ".inverse_norms", adapted);
  return add_multiply(graph, name + ".norm_scale", m, inverse, DType::F32);
}

/// Without a dropout W is read once: the products go on with the linear's own sum, which the scale
/// multiplies before the bias is added.
void scale_linear(GraphRewriter& rewriter, const Module& module, const Factors& factors,
                  ValueId scale) {
  Contraction& linear = linear_of(rewriter, module.out, "DoRA");
  linear.terms.push_back(up_term(factors.values));
  const std::optional<ValueId> bias = std::exchange(linear.bias, std::nullopt);
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    if (!bias) {
      graph.ops.push_back(Multiply{base, scale, module.out});
      return;
    }
    const ValueId scaled = add_multiply(graph, module.name + ".scaled", base, scale, DType::F32);
    graph.ops.push_back(Add{scaled, *bias, module.out});
  });
}

/// With a dropout the adapter's part reads W once more, for what is left of x.
void add_scaled(GraphRewriter& rewriter, const Module& module, const Factors& factors,
                ValueId scale) {
  const GemmKind frozen = linear_of(rewriter, module.out, "DoRA").terms.front().kind;
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    const std::string& name = module.name;
    const auto product = [&](const char* what, const Term& term) {
      return add_contraction(graph, name + what, {term}, 1.0f, std::nullopt, DType::F32,
                             Role::kIntermediate);
    };
    const ValueId kept = product(".kept", {factors.x, false, module.weight, true, frozen});
    const ValueId both =
        add_add(graph, name + ".directed", kept, product(".delta", up_term(factors.values)),
                graph.value(base).dtype);
    const ValueId scaled = add_multiply(graph, name + ".scaled", both, scale, DType::F32);
    const ValueId negative = add_scale(graph, name + ".negative", kept, -1.0f, DType::F32);
    const ValueId change = add_add(graph, name + ".change", scaled, negative, DType::F32);
    graph.ops.push_back(Add{base, change, module.out});
  });
}

void wrap_with_dora(GraphRewriter& rewriter, const Module& module, const LinearShape& linear,
                    const LoraScale& lora, const LoraNames& names, const LoraChoices& choices) {
  Factors factors;
  ValueId scale = -1;
  rewriter.insert_before(module.out, [&] {
    factors = add_factors(rewriter.graph(), linear, lora, names, choices);
    scale = add_norm_scale(rewriter.graph(), module, lora, factors);
  });
  choices.dropout.rate == 0 ? scale_linear(rewriter, module, factors, scale)
                            : add_scaled(rewriter, module, factors, scale);
}

void wrap_linear_module(GraphRewriter& rewriter, const Module& module, const LoraScale& lora,
                        const LoraChoices& choices) {
  const LinearShape linear = shape_of(rewriter.graph(), module.in, module.weight);
  const LoraNames names{module.name + ".lora_A.weight", module.name + ".lora_B.weight",
                        module.name + ".u", module.name + ".dropped"};
  if (!choices.trained_norms) {
    add_product(rewriter, module, "LoRA", [&] {
      return up_term(add_factors(rewriter.graph(), linear, lora, names, choices).values);
    });
    return;
  }
  if (!std::holds_alternative<Contraction>(rewriter.writer_of(module.out)))
    throw InputError("DoRA: " + module.name +
                     " is rewritten by another method; its weight's norms are those of a linear "
                     "alone");
  wrap_with_dora(rewriter, module, linear, lora, names, choices);
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
    return ScaledTerm{up, scale};
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
  const Term base = linear_of(rewriter, linear_output, "LoRA").terms.front();
  LoraValues added;
  rewriter.insert_before(linear_output, [&] {
    added =
        add_factors(graph, shape_of(graph, base.left, base.right), lora,
                    {prefix + "lora_A", prefix + "lora_B", prefix + "u", prefix + "dropped"}, {})
            .values;
  });
  linear_of(rewriter, linear_output, "LoRA").terms.push_back(up_term(added));
  return added;
}

void apply_lora(Transformer& transformer, const LoraPlan& plan) {
  GraphRewriter rewriter(transformer.graph);
  std::set<std::string> adapted;
  LoraChoices choices{plan.frozen_down, plan.trained_norms,
                      adapter_dropout(transformer.graph, plan.dropout, plan.dropout_seed, "LoRA")};
  for (const LoraModule& adapter : plan.adapters) {
    require_once(adapted, adapter.module, "an adapter's module");
    const Module& module = required_module(transformer, adapter.module);
    switch (module.kind) {
      case ModuleKind::kLinear:
        wrap_linear_module(rewriter, module, adapter.scale, choices);
        ++choices.dropout.stream;
        break;
      case ModuleKind::kEmbedding:
        if (plan.trained_norms)
          throw InputError("DoRA: " + module.name + " is an embedding; it needs a linear");
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
