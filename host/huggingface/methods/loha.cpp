#include "host/huggingface/methods/loha.h"

#include "models/peft/loha.h"

namespace corank {
namespace {

/// The keys of LoHaConfig of PEFT 0.21.
KnownKeys loha_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  constexpr KeyUse kRefused = KeyUse::kRefused;
  return {{"r", kHonoured},
          {"alpha", kHonoured},
          {"rank_pattern", kHonoured},
          {"alpha_pattern", kHonoured},
          {"layers_to_transform", kHonoured},
          {"layers_pattern", kHonoured},
          {"rank_dropout", kRefused},
          {"module_dropout", kRefused},
          {"use_effective_conv2d", kHarmless},  // of convolutions alone
          {"init_weights", kHarmless}};         // the start, which is in the adapter's file
}

void read(const JsonObject& json, AdapterConfig& config) {
  LohaConfig loha;
  loha.r = static_cast<int>(json.integer("r", 1, 1 << 20));
  loha.alpha = json.number("alpha");
  read_patterns(json, loha.rank_pattern, loha.alpha_pattern);
  read_layers(json, config.targets);
  config.own = std::move(loha);
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t) {
  const auto& loha = std::any_cast<const LohaConfig&>(config.own);
  const OfModules<std::int64_t> ranks(config, "rank_pattern", loha.rank_pattern, loha.r);
  const OfModules<double> alphas(config, "alpha_pattern", loha.alpha_pattern, loha.alpha);
  AdapterPlan plan = plan_of_linears(loha_method(), config, modules, facts, BiasTraining::kNone);
  LohaPlan own;
  for (const std::string& module : plan.adapted)
    own.adapters.push_back(
        {module, {alphas.of(module), static_cast<int>(ranks.of(module)), false}});
  plan.own = std::move(own);
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_loha(transformer, std::any_cast<const LohaPlan&>(plan.own));
}

}  // namespace

const PeftMethod& loha_method() {
  static const PeftMethod method = {"LOHA", "LoHa", loha_keys(), read, plan, apply};
  return method;
}

}  // namespace corank
