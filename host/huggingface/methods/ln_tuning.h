// peft_type LN_TUNING: its keys of adapter_config.json, and what follows from them.
#pragma once

#include "host/huggingface/peft_method.h"

namespace corank {

const PeftMethod& ln_tuning_method();

}  // namespace corank
