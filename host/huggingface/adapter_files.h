// The tensors of a PEFT adapter folder, and their names.
#pragma once

#include <map>
#include <string>

#include "host/huggingface/adapter_config.h"
#include "models/base/tensor.h"
#include "models/peft/lora.h"

namespace corank {

/// The name in adapter_model.safetensors of a trainable value of the rewritten graph:
/// "base_model.model." before it, and "<m>.base_layer.bias" for the bias of an adapted module.
std::string adapter_tensor_name(const LoraPlan& plan, const std::string& value);

/// Reads FOLDER/adapter_model.safetensors: a tensor for each of `trainables` (value name -> shape),
/// by value name, as F32. The names that PEFT uses at run time (".lora_A.default.weight") are
/// understood, too. Copies of frozen weights that PEFT writes beside embedding adapters, and of the
/// original of a saved module, are not read. Throws InputError that names file and tensor: one that
/// is missing, misshapen, or that belongs to nothing that the configuration selects.
TensorMap read_adapter(const std::string& folder, const LoraPlan& plan,
                       const std::map<std::string, Shape>& trainables);

/// Writes FOLDER/adapter_config.json and FOLDER/adapter_model.safetensors, which PEFT loads.
/// `tensors` are F32 by value name. Each file is written beside its place and renamed. Throws
/// InputError if the folder cannot be made, MachineError if the disk refuses.
void write_adapter(const std::string& folder, const AdapterConfig& config, const LoraPlan& plan,
                   const TensorMap& tensors);

}  // namespace corank
