// The weights of a model folder as the values of its graph, by the rules of transformers 5.
#pragma once

#include <string>
#include <vector>

#include "host/huggingface/adapter_files.h"
#include "host/huggingface/model_config.h"
#include "host/huggingface/weight_files.h"
#include "models/numerics/numerics.h"
#include "models/quantized/quantize.h"

namespace corank {

/// A head that config.json ties to the embedding is not tied where the file has another
/// lm_head.weight: it is the file's, and the notes of the configuration say so
/// (PreTrainedModel.tie_weights).
void untie_other_head(ModelConfig& model, const WeightFiles& files);

/// One note that names the tensors of the files that the model has no parameter for, if there are
/// any; transformers ignores them with a warning. Buffers of old checkpoints, whose elements follow
/// from the configuration, are not named. `transformer` is the model before it is rewritten.
std::vector<std::string> unused_weights(const ModelConfig& model, const WeightSource& files,
                                        const Transformer& transformer,
                                        const PackedWeights& packed = {});

/// The values that these are get their storage formats.
void store_packed(Graph& graph, const PackedWeights& packed);

/// Every parameter of the graph that is neither trained nor packed, by value name: from the
/// adapter's file where it is there, else from the model's. F32, or BF16 where `numerics` rounds
/// them. Throws InputError for one that is missing or misshapen, or packed and in the adapter's
/// file.
TensorMap load_frozen(const Graph& graph, const ModelConfig& model, const WeightSource& files,
                      const FrozenTensors& replaced, Numerics numerics);

/// The linears of a model whose weights are plain, but its head (as bitsandbytes has it), to be
/// packed as they are read from `files`, which has to outlive the result. nullptr: they are not.
PackedWeights weights_to_quantize(const ModelConfig& model, const Transformer& transformer,
                                  Quantizer quantizer, const WeightSource* files);

/// Every parameter that is packed. Throws InputError as its read() does.
QuantizedMap load_packed(const Graph& graph, const PackedWeights& packed);

}  // namespace corank
