// LoRA adapters together with the parameters that are trained beside them, as most tests need them.
#pragma once

#include <string>
#include <vector>

#include "models/peft/lora.h"
#include "models/peft/trained_parameters.h"

namespace corank::test {

struct TrainedLora : LoraPlan, TrainedParameters {};

inline std::vector<std::string> adapted_modules(const LoraPlan& plan) {
  std::vector<std::string> names;
  for (const LoraModule& adapter : plan.adapters) names.push_back(adapter.module);
  return names;
}

inline void apply(Transformer& transformer, const TrainedLora& plan) {
  apply_lora(transformer, plan);
  train_parameters(transformer, plan, adapted_modules(plan));
}

}  // namespace corank::test
