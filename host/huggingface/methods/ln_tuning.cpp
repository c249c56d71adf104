#include "host/huggingface/methods/ln_tuning.h"

#include "models/peft/norm_tuning.h"

namespace corank {
namespace {

void read(const JsonObject& /*json*/, AdapterConfig& /*config*/) {}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t) {
  // PEFT's TRANSFORMERS_MODELS_TO_LNTUNING_TARGET_MODULES_MAPPING, which has no BERT.
  static const DefaultModules defaults = {
      {"llama", {"input_layernorm", "post_attention_layernorm", "norm"}}};
  AdapterPlan plan;
  plan.method = &ln_tuning_method();
  plan.adapted = target_modules(config, modules, facts, defaults, {ModuleKind::kNorm});
  plan.parameters.saved_modules = saved_modules(config, modules);
  plan.own = NormTuningPlan{plan.adapted};
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_norm_tuning(transformer, std::any_cast<const NormTuningPlan&>(plan.own));
}

/// PEFT trains a copy of the normalisation, which its wrapper holds beside the original.
void to_file(const Value& value, const AdapterPlan& plan, FileTensor& tensor) {
  for (const std::string& module : plan.adapted) {
    for (const char* parameter : {".weight", ".bias"}) {
      if (value.name == module + parameter)
        tensor.name = kFilePrefix + module + ".ln_tuning_layers" + parameter;
    }
  }
}

}  // namespace

const PeftMethod& ln_tuning_method() {
  // LNTuningConfig of PEFT 0.21 has the keys of every method alone.
  static const PeftMethod method = {"LN_TUNING", "LayerNorm tuning", {}, read, plan, apply,
                                    to_file};
  return method;
}

}  // namespace corank
