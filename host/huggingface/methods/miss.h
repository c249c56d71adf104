// peft_type MISS: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"

namespace corank {

const PeftMethod& miss_method();

struct MissConfig {
  int r = 0;
  double miss_dropout = 0;
  BiasTraining bias = BiasTraining::kNone;
};

}  // namespace corank
