// peft_type VERA: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"

namespace corank {

const PeftMethod& vera_method();

struct VeraConfig {
  int r = 0;
  double vera_dropout = 0;
  BiasTraining bias = BiasTraining::kNone;
};

}  // namespace corank
