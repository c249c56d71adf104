#include "models/transformer/builder.h"

#include <cmath>
#include <utility>

#include "models/base/error.h"

namespace corank {

TransformerBuilder::TransformerBuilder(std::int64_t batch, std::int64_t sequence) {
  require_positive("token batch", {{"batch size", batch}, {"sequence length", sequence}});
  transformer_.batch = batch;
  transformer_.sequence = sequence;
}

void TransformerBuilder::enter_layer(const std::string& module, std::int64_t index) {
  graph().origin = {};
  graph().origin.module = module;
  graph().origin.group = static_cast<int>(index);
}

ValueId TransformerBuilder::input(const std::string& name, const Shape& shape) {
  return add_value(graph(), {name, shape, DType::I64, Role::kInput});
}

ValueId TransformerBuilder::parameter(const std::string& name, const Shape& shape) {
  return add_value(graph(), {name, shape, DType::BF16, Role::kFrozen});
}

ValueId TransformerBuilder::embedding(const std::string& name, std::int64_t rows,
                                      std::int64_t columns, ValueId ids,
                                      std::optional<std::int64_t> padding_id) {
  const ValueId weight = parameter(name + ".weight", {rows, columns});
  const ValueId out = add_embedding(graph(), name, weight, ids, false, padding_id);
  transformer_.modules.push_back({name, ModuleKind::kEmbedding, ids, weight, std::nullopt, out});
  return out;
}

ValueId TransformerBuilder::leading_rows(const std::string& name, std::int64_t rows,
                                         std::int64_t columns, std::int64_t count) {
  const ValueId weight = parameter(name + ".weight", {rows, columns});
  const ValueId out = add_slice(graph(), name, weight, 0, 0, count);
  transformer_.modules.push_back({name, ModuleKind::kEmbedding, -1, weight, std::nullopt, out});
  return out;
}

ValueId TransformerBuilder::linear(const std::string& name, ValueId x, std::int64_t out,
                                   bool has_bias, Part part, DType dtype) {
  const std::int64_t in = graph().value(x).shape.back();
  const ValueId weight = parameter(name + ".weight", {out, in});
  std::optional<ValueId> bias;
  if (has_bias) bias = parameter(name + ".bias", {out});
  const ValueId y =
      add_contraction(graph(), name, {{x, false, weight, true, {part, Pass::kForward}}}, 1.0f, bias,
                      dtype, Role::kIntermediate);
  transformer_.modules.push_back({name, ModuleKind::kLinear, x, weight, bias, y});
  return y;
}

ValueId TransformerBuilder::head(const std::string& name, ValueId x, std::int64_t out,
                                 bool has_bias, std::optional<ValueId> tied_weight) {
  if (!tied_weight) return linear(name, x, out, has_bias, Part::kHead, DType::F32);
  const Term term{x, false, *tied_weight, true, {Part::kHead, Pass::kForward}};
  const ValueId y =
      add_contraction(graph(), name, {term}, 1.0f, std::nullopt, DType::F32, Role::kIntermediate);
  transformer_.modules.push_back({name, ModuleKind::kLinear, x, *tied_weight, std::nullopt, y});
  return y;
}

ValueId TransformerBuilder::rms_norm(const std::string& name, ValueId x, double eps) {
  const ValueId weight = parameter(name + ".weight", {graph().value(x).shape.back()});
  const ValueId y = add_rms_norm(graph(), name, x, weight, eps);
  transformer_.modules.push_back({name, ModuleKind::kNorm, x, weight, std::nullopt, y});
  return y;
}

ValueId TransformerBuilder::layer_norm(const std::string& name, ValueId x, double eps) {
  const Shape shape{graph().value(x).shape.back()};
  const ValueId weight = parameter(name + ".weight", shape);
  const ValueId bias = parameter(name + ".bias", shape);
  const ValueId y = add_layer_norm(graph(), name, x, weight, bias, eps);
  transformer_.modules.push_back({name, ModuleKind::kNorm, x, weight, bias, y});
  return y;
}

ValueId TransformerBuilder::attention(const std::string& prefix, const Attention& attention) {
  const Attention& a = attention;
  const auto split = [&](const char* name, ValueId tokens, std::int64_t heads) {
    return add_split_heads(graph(), prefix + name + "_heads", tokens, batch(), heads);
  };
  ValueId query = split("query", a.query, a.heads);
  ValueId key = split("key", a.key, a.kv_heads);
  ValueId value = split("value", a.value, a.kv_heads);
  if (!a.rope_frequencies.empty()) {
    query = add_rope(graph(), prefix + "query_rotated", query, a.rope_frequencies);
    key = add_rope(graph(), prefix + "key_rotated", key, a.rope_frequencies);
  }
  if (a.heads != a.kv_heads) {
    const std::int64_t times = a.heads / a.kv_heads;
    key = add_repeat_heads(graph(), prefix + "key_repeated", key, times);
    value = add_repeat_heads(graph(), prefix + "value_repeated", value, times);
  }
  const auto head_dim = static_cast<double>(graph().value(query).shape.back());
  const GemmKind kind{Part::kAttention, Pass::kForward};
  const ValueId scores = add_contraction(
      graph(), prefix + "scores", {{query, false, key, true, kind}},
      static_cast<float>(1.0 / std::sqrt(head_dim)), std::nullopt, DType::F32, Role::kIntermediate);
  const ValueId probabilities =
      add_softmax(graph(), prefix + "probabilities", scores, a.mask, a.causal);
  const ValueId operand = add_convert(graph(), prefix + "probabilities.bf16", probabilities);
  const ValueId out =
      add_contraction(graph(), prefix + "context_heads", {{operand, false, value, false, kind}},
                      1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
  return add_merge_heads(graph(), prefix + "context", out, batch(), a.heads);
}

Transformer TransformerBuilder::finish(ValueId logits, ValueId loss,
                                       std::optional<std::int64_t> pad_token_id) {
  graph().value(logits).role = Role::kResult;
  graph().value(loss).role = Role::kResult;
  transformer_.logits = logits;
  transformer_.loss = loss;
  transformer_.pad_token_id = pad_token_id;
  check(graph());
  return std::move(transformer_);
}

void require_positive(const std::string& model,
                      const std::vector<std::pair<std::string, std::int64_t>>& sizes) {
  for (const auto& [what, size] : sizes) {
    if (size >= 1) continue;
    throw InputError(model + ": expected a positive " + what + ", found " + std::to_string(size));
  }
}

}  // namespace corank
