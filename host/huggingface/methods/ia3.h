// peft_type IA3: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"

namespace corank {

const PeftMethod& ia3_method();

}  // namespace corank
