#include "models/transformer/bert.h"

#include "models/base/error.h"
#include "models/transformer/builder.h"

namespace corank {
namespace {

/// Post-norm: a = LN(x + dense(attention x));  LN(a + dense(act(dense a))).
ValueId add_layer(TransformerBuilder& builder, const BertShape& shape, const std::string& name,
                  ValueId x, ValueId mask) {
  Graph& graph = builder.graph();
  const std::string attention_name = name + ".attention.";
  TransformerBuilder::Attention attention;
  attention.query = builder.linear(attention_name + "self.query", x, shape.hidden, true);
  attention.key = builder.linear(attention_name + "self.key", x, shape.hidden, true);
  attention.value = builder.linear(attention_name + "self.value", x, shape.hidden, true);
  attention.heads = shape.heads;
  attention.kv_heads = shape.heads;
  attention.mask = mask;
  attention.causal = shape.causal;
  const ValueId context = builder.attention(attention_name + "self.", attention);
  const ValueId dense =
      builder.linear(attention_name + "output.dense", context, shape.hidden, true);
  const ValueId attended = builder.layer_norm(
      attention_name + "output.LayerNorm",
      add_add(graph, attention_name + "output.residual", dense, x), shape.layer_norm_eps);

  const ValueId inner =
      builder.linear(name + ".intermediate.dense", attended, shape.intermediate, true);
  const ValueId activated =
      add_activation(graph, name + ".intermediate.activation", inner, shape.activation);
  const ValueId outer = builder.linear(name + ".output.dense", activated, shape.hidden, true);
  return builder.layer_norm(name + ".output.LayerNorm",
                            add_add(graph, name + ".output.residual", outer, attended),
                            shape.layer_norm_eps);
}

}  // namespace

Transformer build_bert(const BertShape& shape, std::int64_t batch, std::int64_t sequence) {
  require_positive("BERT", {{"vocabulary", shape.vocabulary},
                            {"hidden size", shape.hidden},
                            {"intermediate size", shape.intermediate},
                            {"number of layers", shape.layers},
                            {"number of attention heads", shape.heads},
                            {"max_position_embeddings", shape.max_positions},
                            {"type_vocab_size", shape.token_types},
                            {"number of labels", shape.labels}});
  if (shape.hidden % shape.heads != 0) {
    throw InputError("BERT: expected a hidden size that is a multiple of " +
                     std::to_string(shape.heads) + ", the number of attention heads, found " +
                     std::to_string(shape.hidden));
  }
  if (sequence > shape.max_positions) {
    throw InputError("BERT: expected sequences of at most " + std::to_string(shape.max_positions) +
                     " tokens, found " + std::to_string(sequence));
  }
  TransformerBuilder builder(batch, sequence);
  Graph& graph = builder.graph();
  const ValueId ids = builder.input("input_ids", {batch, sequence});
  const ValueId mask = builder.input("attention_mask", {batch, sequence});
  const ValueId types = builder.input("token_type_ids", {batch, sequence});
  const ValueId labels = builder.input("labels", {batch});

  const std::string embeddings = "bert.embeddings.";
  const ValueId words = builder.embedding(embeddings + "word_embeddings", shape.vocabulary,
                                          shape.hidden, ids, shape.pad_token_id);
  const ValueId positions = builder.leading_rows(embeddings + "position_embeddings",
                                                 shape.max_positions, shape.hidden, sequence);
  const ValueId token_types = builder.embedding(
      embeddings + "token_type_embeddings", shape.token_types, shape.hidden, types, std::nullopt);
  const ValueId typed = add_add(graph, embeddings + "typed", words, token_types, DType::F32);
  const ValueId sum = add_add(graph, embeddings + "sum", typed, positions);
  ValueId x = builder.layer_norm(embeddings + "LayerNorm", sum, shape.layer_norm_eps);
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string name = "bert.encoder.layer." + std::to_string(layer);
    builder.enter_layer(name, layer);
    x = add_layer(builder, shape, name, x, mask);
  }
  builder.leave_layers();

  std::vector<std::int64_t> first_tokens;
  for (std::int64_t b = 0; b < batch; ++b) first_tokens.push_back(b * sequence);
  const ValueId first = add_select_rows(graph, "bert.pooler.first_token", x, first_tokens);
  const ValueId dense = builder.linear("bert.pooler.dense", first, shape.hidden, true, Part::kHead);
  const ValueId pooled = add_activation(graph, "bert.pooler", dense, ActivationFunction::kTanh);
  const ValueId logits = builder.head("classifier", pooled, shape.labels, true);
  graph.value(logits).name = "logits";
  const ValueId loss = add_cross_entropy(graph, "loss", logits, labels, false);
  return builder.finish(logits, loss, shape.pad_token_id);
}

}  // namespace corank
