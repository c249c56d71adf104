// peft_type LOKR: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"
#include "host/huggingface/rank_patterns.h"

namespace corank {

const PeftMethod& lokr_method();

struct LokrConfig {
  int r = 0;
  double alpha = 0;
  bool decompose_both = false;
  std::int64_t decompose_factor = -1;
  Patterns<std::int64_t> rank_pattern;
  Patterns<double> alpha_pattern;
};

}  // namespace corank
