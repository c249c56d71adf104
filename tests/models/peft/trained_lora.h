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

/// Adapters of rank 2, alpha = 4, on all linears of the layers.
inline void adapt_layers(Transformer& transformer, double dropout = 0) {
  TrainedLora plan;
  plan.dropout = dropout;
  for (const Module& module : transformer.modules) {
    const bool of_layer = transformer.graph.value(module.out).origin.group >= 0;
    if (module.kind == ModuleKind::kLinear && of_layer)
      plan.adapters.push_back({module.name, {4, 2, false}});
  }
  apply(transformer, plan);
}

}  // namespace corank::test
