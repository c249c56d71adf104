// The tensors of a PEFT adapter folder, and their names.
#pragma once

#include <map>
#include <string>

#include "host/huggingface/adapter_config.h"
#include "host/huggingface/peft_method.h"
#include "models/base/tensor.h"
#include "models/transformer/transformer.h"

namespace corank {

/// A trainable value of the rewritten graph in adapter_model.safetensors: "base_model.model."
/// before its name, "<m>.base_layer.bias" for the bias of an adapted module, or what the method
/// says.
FileTensor adapter_tensor(const AdapterPlan& plan, const Value& value);

/// Trained tensors, or their gradients, by the names and in the shapes of that file.
TensorMap adapter_tensors(const AdapterPlan& plan, const TensorMap& by_value);

/// The names in that file of what stays frozen -> the graph's value: parameters of the model, and
/// what the method keeps of its own. PEFT calls the
/// weight of an adapted module "<m>.base_layer.weight", that of one with trained tokens
/// "<m>.token_adapter.base_layer.weight"; two names of a tied pair mean one value.
std::map<std::string, std::string> frozen_tensor_names(const Transformer& transformer,
                                                       const AdapterPlan& plan);

/// A tensor of the adapter's file that replaces a frozen parameter of the model: PEFT writes
/// embeddings and heads when the vocabulary was resized or save_embedding_layers is set.
struct FrozenTensor {
  std::string value;  // of the graph
  Tensor tensor;      // as the file has it
};

/// By the name in the file.
using FrozenTensors = std::map<std::string, FrozenTensor>;

struct AdapterTensors {
  TensorMap trained;  // F32 by value name
  FrozenTensors frozen;
};

/// Reads FOLDER/adapter_model.safetensors: a tensor for each trainable value of the rewritten
/// transformer and for each that the method keeps, and those that replace frozen parameters. The
/// names that PEFT uses at run time
/// (".lora_A.default.weight") are understood, too. Copies of the original of a saved module are not
/// read. Throws InputError that names file and tensor: one that is missing, misshapen, that belongs
/// to nothing that the configuration selects, or a tied pair of two values; and for a folder with
/// adapter_model.bin in place of the file.
AdapterTensors read_adapter(const std::string& folder, const AdapterPlan& plan,
                            const Transformer& transformer);

/// Writes FOLDER/adapter_config.json and FOLDER/adapter_model.safetensors, which PEFT loads. Each
/// file is written beside its place and renamed. Throws InputError if the folder cannot be made,
/// MachineError if the disk refuses.
void write_adapter(const std::string& folder, const AdapterConfig& config, const AdapterPlan& plan,
                   const TensorMap& trained, const FrozenTensors& frozen);

}  // namespace corank
