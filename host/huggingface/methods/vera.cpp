#include "host/huggingface/methods/vera.h"

#include "models/peft/vera.h"

namespace corank {
namespace {

/// The keys of VeraConfig of PEFT 0.21.
KnownKeys vera_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  return {{"r", kHonoured},
          {"vera_dropout", kHonoured},
          {"bias", kHonoured},
          {"layers_to_transform", kHonoured},
          {"layers_pattern", kHonoured},
          {"save_projection", kHonoured},
          // The start of what the adapter's file has.
          {"projection_prng_key", kHarmless},
          {"d_initial", kHarmless},
          {"init_weights", kHarmless}};
}

void read(const JsonObject& json, AdapterConfig& config) {
  VeraConfig vera;
  vera.r = static_cast<int>(json.integer("r", 1, 1 << 20));
  vera.vera_dropout = read_dropout(json, "vera_dropout");
  vera.bias = read_bias(json, "vera_only");
  read_layers(json, config.targets);
  // Without it PEFT draws A and B anew, by torch's generator.
  if (!json.boolean_or("save_projection", true))
    json.refuse("save_projection", "true, so that the adapter's file has A and B");
  config.own = vera;
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t seed) {
  const auto& vera = std::any_cast<const VeraConfig&>(config.own);
  AdapterPlan plan = plan_of_linears(vera_method(), config, modules, facts, vera.bias);
  plan.kept = {kVeraA, kVeraB};
  plan.own = VeraPlan{plan.adapted, vera.r, vera.vera_dropout, seed};
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_vera(transformer, std::any_cast<const VeraPlan&>(plan.own));
}

/// A and B belong to PEFT's model, not to a module of it.
void to_file(const Value& value, const AdapterPlan&, FileTensor& tensor) {
  if (value.name == kVeraA || value.name == kVeraB) tensor.name = "base_model." + value.name;
}

void without_dropout(AdapterPlan& plan) { std::any_cast<VeraPlan&>(plan.own).dropout = 0; }

}  // namespace

const PeftMethod& vera_method() {
  static const PeftMethod method = {"VERA", "VeRA", vera_keys(), read,
                                    plan,   apply,  to_file,     without_dropout};
  return method;
}

}  // namespace corank
