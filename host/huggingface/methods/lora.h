// peft_type LORA: its keys of adapter_config.json, and what follows from them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/huggingface/peft_method.h"
#include "host/huggingface/rank_patterns.h"
#include "models/peft/lora.h"

namespace corank {

const PeftMethod& lora_method();

/// Rows of an embedding, or of a linear, that are trained by themselves. An empty module means the
/// input embedding.
struct TokenRows {
  std::string module;
  std::vector<std::int64_t> ids;
};

struct LoraConfig {
  int r = 0;
  double lora_alpha = 0;
  double lora_dropout = 0;
  bool use_rslora = false;
  bool use_dora = false;
  BiasTraining bias = BiasTraining::kNone;
  Patterns<std::int64_t> rank_pattern;
  Patterns<double> alpha_pattern;
  std::vector<TokenRows> trainable_tokens;
  bool ensure_weight_tying = false;
};

/// LoRA-FA: A of every linear stays as it is.
void freeze_down(AdapterPlan& plan, const Transformer& transformer);

/// Of a configuration and a plan whose method is LoRA.
const LoraConfig& lora_config(const AdapterConfig& config);
const LoraPlan& lora_plan(const AdapterPlan& plan);

}  // namespace corank
