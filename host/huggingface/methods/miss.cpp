#include "host/huggingface/methods/miss.h"

#include "models/base/error.h"
#include "models/peft/miss.h"

namespace corank {
namespace {

/// The keys of MissConfig of PEFT 0.21.
KnownKeys miss_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  return {{"r", kHonoured},
          {"miss_dropout", kHonoured},
          {"bias", kHonoured},
          {"layers_to_transform", kHonoured},
          {"layers_pattern", kHonoured},
          {"init_weights", kHonoured},
          {"mini_r", KeyUse::kHarmless}};  // of init_weights "mini" alone, which is refused
}

void read(const JsonObject& json, AdapterConfig& config) {
  MissConfig miss;
  miss.r = static_cast<int>(json.integer("r", 1, 1 << 20));
  miss.miss_dropout = json.number_or("miss_dropout", 0);
  if (miss.miss_dropout < 0 || miss.miss_dropout >= 1)
    json.refuse("miss_dropout", "a number from 0 to below 1");
  miss.bias = read_bias(json, "MiSS_only");
  read_layers(json, config.targets);
  // "bat" and "mini" are other computations.
  if (json.has("init_weights") && !json.json().at("init_weights").is_boolean())
    json.refuse("init_weights", "true or false");
  config.own = miss;
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t seed) {
  const auto& miss = std::any_cast<const MissConfig&>(config.own);
  AdapterPlan plan;
  plan.method = &miss_method();
  plan.adapted =
      target_modules(config, modules, facts, default_targets_of_lora(), {ModuleKind::kLinear});
  plan.parameters.saved_modules = saved_modules(config, modules);
  plan.parameters.trainable_biases =
      trainable_biases(miss.bias, modules, plan.adapted, plan.parameters.saved_modules);
  plan.own = MissPlan{plan.adapted, miss.r, miss.miss_dropout, seed};
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_miss(transformer, std::any_cast<const MissPlan&>(plan.own));
}

void without_dropout(AdapterPlan& plan) { std::any_cast<MissPlan&>(plan.own).dropout = 0; }

}  // namespace

const PeftMethod& miss_method() {
  static const PeftMethod method = {"MISS", "MiSS", miss_keys(), read,
                                    plan,   apply,  nullptr,     without_dropout};
  return method;
}

}  // namespace corank
