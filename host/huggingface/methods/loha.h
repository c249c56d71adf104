// peft_type LOHA: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"
#include "host/huggingface/rank_patterns.h"

namespace corank {

const PeftMethod& loha_method();

struct LohaConfig {
  int r = 0;
  double alpha = 0;
  Patterns<std::int64_t> rank_pattern;
  Patterns<double> alpha_pattern;
};

}  // namespace corank
