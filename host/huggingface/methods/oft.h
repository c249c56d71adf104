// peft_type OFT: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"

namespace corank {

const PeftMethod& oft_method();

/// One of r, blocks of a module, and oft_block_size, features of a block, is 0.
struct OftConfig {
  std::int64_t r = 0, oft_block_size = 32;
  int terms = 5;
  BiasTraining bias = BiasTraining::kNone;
};

}  // namespace corank
