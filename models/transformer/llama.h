// LlamaForCausalLM and LlamaForSequenceClassification as graphs (Touvron et al., 2023,
// arXiv 2302.13971).
#pragma once

#include "models/ops/activation.h"
#include "models/transformer/rope.h"
#include "models/transformer/transformer.h"

namespace corank {

struct LlamaShape {
  std::int64_t vocabulary = 0, hidden = 0, intermediate = 0, layers = 0;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;  // heads is a multiple of kv_heads
  double rms_norm_eps = 1e-6;
  ActivationFunction activation = ActivationFunction::kSilu;
  bool attention_bias = false;  // q, k, v and o
  bool mlp_bias = false;        // gate, up and down
  bool tied_embeddings = false;
  RopeParameters rope;
  std::optional<std::int64_t> pad_token_id;
  std::int64_t labels = 0;  // of a classification; 0: a causal language model
};

/// Modules: model.embed_tokens, model.layers.{i}.{input_layernorm, self_attn.{q,k,v,o}_proj,
/// post_attention_layernorm, mlp.{gate,up,down}_proj}, model.norm, lm_head. The loss is causal:
/// position t predicts labels[t + 1], the mean over the targets that are not -100.
/// A classification has score [labels, hidden] in place of lm_head, and reads one token of each
/// sequence (last_tokens, models/transformer/transformer.h). Throws InputError for a shape that is
/// not positive, heads that are no multiple of kv_heads, or a classification of several sequences
/// without a pad_token_id, which Hugging Face refuses, too.
Transformer build_llama(const LlamaShape& shape, std::int64_t batch, std::int64_t sequence);

}  // namespace corank
