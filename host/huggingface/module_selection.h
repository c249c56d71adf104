// Which modules of a model an adapter configuration means, exactly as PEFT decides it
// (peft.tuners.tuners_utils.check_target_module_exists, peft.utils.other.get_pattern_key).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/huggingface/adapter_config.h"
#include "models/peft/lora.h"
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

/// What is trained. The seed of the dropout is left to the caller.
/// Throws InputError, naming the configuration and the module: a target that is neither a linear
/// nor an embedding; no target found; a pattern that is no regular expression; token rows of
/// something that is neither an embedding nor a linear without a bias, out of its range, listed
/// twice, or of a module that is adapted or saved as well.
LoraPlan select_modules(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                        const ModelFacts& facts);

}  // namespace corank
