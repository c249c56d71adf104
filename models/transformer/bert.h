// BertForSequenceClassification as a graph (Devlin et al., 2018, arXiv 1810.04805).
#pragma once

#include "models/ops/activation.h"
#include "models/transformer/transformer.h"

namespace corank {

struct BertShape {
  std::int64_t vocabulary = 0, hidden = 0, intermediate = 0, layers = 0;
  std::int64_t heads = 0;  // hidden is a multiple of it
  std::int64_t max_positions = 0, token_types = 2, labels = 2;
  double layer_norm_eps = 1e-12;
  ActivationFunction activation = ActivationFunction::kGeluErf;
  std::optional<std::int64_t> pad_token_id = 0;
  bool causal = false;  // a decoder: no position attends to a later one
};

/// Modules: bert.embeddings.{word,position,token_type}_embeddings, .LayerNorm,
/// bert.encoder.layer.{i}.{attention.self.{query,key,value}, attention.output.{dense,LayerNorm},
/// intermediate.dense, output.{dense,LayerNorm}}, bert.pooler.dense, classifier. The loss is the
/// cross-entropy of the labels, mean over those that are not -100. Throws InputError for a shape
/// that does not fit, or a sequence longer than max_positions.
Transformer build_bert(const BertShape& shape, std::int64_t batch, std::int64_t sequence);

}  // namespace corank
