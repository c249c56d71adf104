// Which modules of a model an adapter configuration means, exactly as PEFT decides it
// (peft.tuners.tuners_utils.check_target_module_exists, peft.utils.other.get_pattern_key).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/huggingface/adapter_config.h"
#include "models/transformer/transformer.h"

namespace corank {

/// A module of the model as PEFT sees it.
struct ModelModule {
  std::string name;                // "model.layers.0.self_attn.q_proj"
  std::optional<ModuleKind> kind;  // none: it only holds other modules ("model.layers.0.mlp")
  Shape weight;                    // linear [out, in], embedding [rows, width], norm [width]
  bool bias = false;
};

/// The modules of a transformer and those that hold them.
std::vector<ModelModule> modules_of(const Transformer& transformer);

/// What PEFT must know of the model besides its modules.
struct ModelFacts {
  std::string model_type;       // "llama", "bert": decides the default targets
  std::string input_embedding;  // "model.embed_tokens"
  std::string output_head;      // "lm_head", "classifier"
  bool tied_head = false;       // the head reads the table of the input embedding
};

/// Names of modules by the model's type, where a configuration names none.
using DefaultModules = std::map<std::string, std::vector<std::string>>;

/// Those of this model; none if PEFT has none for it.
std::vector<std::string> default_names(const DefaultModules& defaults, const ModelFacts& facts);

/// PEFT's choice for LoRA, which it copies for most methods
/// (TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING).
const DefaultModules& default_targets_of_lora();

/// The modules that get an adapter, in the model's order. Throws InputError, naming the
/// configuration and the module: a target of none of these kinds; no target found; a pattern that
/// is no regular expression.
std::vector<std::string> target_modules(const AdapterConfig& config,
                                        const std::vector<ModelModule>& modules,
                                        const ModelFacts& facts, const DefaultModules& defaults,
                                        const std::vector<ModuleKind>& kinds);

/// The modules that own parameters and are, or lie in, one that modules_to_save means: those that
/// are trained in full.
std::vector<std::string> saved_modules(const AdapterConfig& config,
                                       const std::vector<ModelModule>& modules);

/// The one of this name, which is there.
const ModelModule& module_named(const std::vector<ModelModule>& modules, const std::string& name);

/// The modules whose bias is trained beside adapters of these; that of a saved one is anyway.
std::vector<std::string> trainable_biases(BiasTraining bias,
                                          const std::vector<ModelModule>& modules,
                                          const std::vector<std::string>& adapted,
                                          const std::vector<std::string>& saved);

}  // namespace corank
