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
  miss.miss_dropout = read_dropout(json, "miss_dropout");
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
  AdapterPlan plan = plan_of_linears(miss_method(), config, modules, facts, miss.bias);
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
