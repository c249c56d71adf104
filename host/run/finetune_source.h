// What a fine-tuning run starts from: the files that the configuration names, or a model's sizes,
// from which the rest is drawn by the seed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/config/config.h"
#include "host/huggingface/adapter_config.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/weight_source.h"
#include "host/train/batches.h"
#include "models/numerics/numerics.h"

namespace corank {

struct FinetuneSource {
  ModelConfig model;
  AdapterConfig adapter;
  Batches batches;
  std::shared_ptr<const WeightSource> weights;  // nullptr: drawn
  /// Those of its weights that are packed; empty: none. To be asked of the model as it is built.
  /// Without files they have no read().
  std::function<PackedWeights(const Transformer&)> packed;
  std::string model_text, adapter_text, batches_text;  // for reports: the files, or what was drawn
};

/// Reads workload.model, workload.adapter and workload.batches, or what workload.transformer says:
/// LoRA of its rank, token ids uniform over the vocabulary, every position a token, in causal
/// models the ids as labels, else labels uniform over the classes. Throws InputError for wrong
/// files and keys.
FinetuneSource finetune_source(const Config& config);

/// The layers of its model.
std::int64_t layers_of(const FinetuneSource& source);
/// The same source with a model of so many of them. Only where nothing is read of its weights.
FinetuneSource with_layers(FinetuneSource source, std::int64_t layers);

/// Every parameter of the transformer, of which nothing has been read: normally distributed, a
/// matrix so that it keeps the variance of what it multiplies, norms around one; rounded as
/// `numerics` says. The numbers themselves are those of BF16 where the graph says so.
TensorMap draw_parameters(const Transformer& transformer, std::uint64_t seed, Numerics numerics);

}  // namespace corank
