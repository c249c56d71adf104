#include "models/transformer/llama.h"

#include "models/base/error.h"
#include "models/transformer/builder.h"

namespace corank {
namespace {

/// Pre-norm: x' = x + o(attention(norm x));  x'' = x' + down(act(gate n) * up n), n = norm x'.
ValueId add_layer(TransformerBuilder& builder, const LlamaShape& shape, const std::string& name,
                  ValueId x, ValueId mask, const std::vector<float>& frequencies) {
  Graph& graph = builder.graph();
  const std::string self_attention = name + ".self_attn.";
  const std::string mlp = name + ".mlp.";
  const ValueId n1 = builder.rms_norm(name + ".input_layernorm", x, shape.rms_norm_eps);
  const auto project = [&](const char* projection, std::int64_t heads) {
    return builder.linear(self_attention + projection, n1, heads * shape.head_dim,
                          shape.attention_bias);
  };
  TransformerBuilder::Attention attention;
  attention.query = project("q_proj", shape.heads);
  attention.key = project("k_proj", shape.kv_heads);
  attention.value = project("v_proj", shape.kv_heads);
  attention.heads = shape.heads;
  attention.kv_heads = shape.kv_heads;
  attention.mask = mask;
  attention.causal = true;
  attention.rope_frequencies = frequencies;
  const ValueId context = builder.attention(self_attention, attention);
  const ValueId o =
      builder.linear(self_attention + "o_proj", context, shape.hidden, shape.attention_bias);
  const ValueId middle = add_add(graph, name + ".attention_residual", x, o);

  const ValueId n2 =
      builder.rms_norm(name + ".post_attention_layernorm", middle, shape.rms_norm_eps);
  const ValueId gate = builder.linear(mlp + "gate_proj", n2, shape.intermediate, shape.mlp_bias);
  const ValueId up = builder.linear(mlp + "up_proj", n2, shape.intermediate, shape.mlp_bias);
  const ValueId gated = add_gated_activation(graph, mlp + "gated", gate, up, shape.activation);
  const ValueId down = builder.linear(mlp + "down_proj", gated, shape.hidden, shape.mlp_bias);
  return add_add(graph, name + ".mlp_residual", middle, down);
}

}  // namespace

Transformer build_llama(const LlamaShape& shape, std::int64_t batch, std::int64_t sequence) {
  require_positive("LLaMA", {{"vocabulary", shape.vocabulary},
                             {"hidden size", shape.hidden},
                             {"intermediate size", shape.intermediate},
                             {"number of layers", shape.layers},
                             {"number of attention heads", shape.heads},
                             {"number of key-value heads", shape.kv_heads},
                             {"head_dim", shape.head_dim}});
  if (shape.heads % shape.kv_heads != 0) {
    throw InputError("LLaMA: expected a number of attention heads that is a multiple of " +
                     std::to_string(shape.kv_heads) + ", the number of key-value heads, found " +
                     std::to_string(shape.heads));
  }
  if (shape.labels > 0 && batch > 1 && !shape.pad_token_id) {
    throw InputError("LLaMA: a classification of " + std::to_string(batch) +
                     " sequences in one batch: expected a pad_token_id, by which the last token of "
                     "each is found, found none");
  }
  const std::vector<float> frequencies = rope_frequencies(shape.rope, shape.head_dim);
  TransformerBuilder builder(batch, sequence);
  const ValueId ids = builder.input("input_ids", {batch, sequence});
  const ValueId mask = builder.input("attention_mask", {batch, sequence});
  const bool causal = shape.labels == 0;
  const ValueId labels = builder.input("labels", causal ? Shape{batch, sequence} : Shape{batch});
  ValueId x = builder.embedding("model.embed_tokens", shape.vocabulary, shape.hidden, ids,
                                shape.pad_token_id);
  const ValueId table = builder.weight_of_last_module();
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string name = "model.layers." + std::to_string(layer);
    builder.enter_layer(name, layer);
    x = add_layer(builder, shape, name, x, mask, frequencies);
  }
  builder.leave_layers();
  x = builder.rms_norm("model.norm", x, shape.rms_norm_eps);
  ValueId logits = -1;
  if (causal) {
    std::optional<ValueId> tied_weight;
    if (shape.tied_embeddings) tied_weight = table;
    logits = builder.head("lm_head", x, shape.vocabulary, false, tied_weight);
  } else {
    const ValueId last = builder.input("last_tokens", {batch});
    const ValueId read =
        add_embedding(builder.graph(), "score.last_token", x, last, false, std::nullopt);
    logits = builder.head("score", read, shape.labels, false);
  }
  builder.graph().value(logits).name = "logits";
  const ValueId loss = add_cross_entropy(builder.graph(), "loss", logits, labels, causal);
  return builder.finish(logits, loss, shape.pad_token_id);
}

}  // namespace corank
