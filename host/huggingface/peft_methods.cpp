#include "host/huggingface/methods/ia3.h"
#include "host/huggingface/methods/ln_tuning.h"
#include "host/huggingface/methods/loha.h"
#include "host/huggingface/methods/lokr.h"
#include "host/huggingface/methods/lora.h"
#include "host/huggingface/methods/miss.h"
#include "host/huggingface/methods/oft.h"
#include "host/huggingface/methods/vera.h"
#include "host/huggingface/peft_method.h"

namespace corank {

const std::vector<const PeftMethod*>& peft_methods() {
  static const std::vector<const PeftMethod*> methods = {
      &lora_method(), &ia3_method(), &ln_tuning_method(), &vera_method(),
      &miss_method(), &oft_method(), &loha_method(),      &lokr_method()};
  return methods;
}

AdapterPlan plan_of_linears(const PeftMethod& method, const AdapterConfig& config,
                            const std::vector<ModelModule>& modules, const ModelFacts& facts,
                            BiasTraining bias) {
  AdapterPlan plan;
  plan.method = &method;
  plan.adapted =
      target_modules(config, modules, facts, default_targets_of_lora(), {ModuleKind::kLinear});
  plan.parameters.saved_modules = saved_modules(config, modules);
  plan.parameters.trainable_biases =
      trainable_biases(bias, modules, plan.adapted, plan.parameters.saved_modules);
  return plan;
}

void apply_adapter(Transformer& transformer, const AdapterPlan& plan) {
  plan.method->apply(transformer, plan);
  train_parameters(transformer, plan.parameters, plan.adapted);
}

}  // namespace corank
