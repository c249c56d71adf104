#include "host/huggingface/methods/oft.h"

#include "models/base/error.h"
#include "models/base/text.h"
#include "models/peft/oft.h"

namespace corank {
namespace {

/// The keys of OFTConfig of PEFT 0.21.
KnownKeys oft_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  constexpr KeyUse kRefused = KeyUse::kRefused;
  return {{"r", kHonoured},
          {"oft_block_size", kHonoured},
          {"bias", kHonoured},
          {"layers_to_transform", kHonoured},
          {"layers_pattern", kHonoured},
          {"use_cayley_neumann", kHonoured},
          {"num_cayley_neumann_terms", kHonoured},
          {"module_dropout", kHarmless},  // PEFT's OFT makes the layer and never calls it
          {"coft", kRefused},
          {"block_share", kRefused},
          {"eps", kHarmless},            // of coft alone
          {"init_weights", kHarmless}};  // the start, which is in the adapter's file
}

void read(const JsonObject& json, AdapterConfig& config) {
  OftConfig oft;
  oft.r = json.integer_or("r", 0, 0);
  oft.oft_block_size = json.integer_or("oft_block_size", 32, 0);
  if ((oft.r == 0) == (oft.oft_block_size == 0))
    json.refuse("oft_block_size", "0 where r is given, and else the size of a block");
  // The exact inverse is no product of matrices.
  if (!json.boolean_or("use_cayley_neumann", true)) json.refuse("use_cayley_neumann", "true");
  if (json.has("num_cayley_neumann_terms"))
    oft.terms = static_cast<int>(json.integer("num_cayley_neumann_terms", 2, 64));
  oft.bias = read_bias(json, "oft_only");
  read_layers(json, config.targets);
  config.own = oft;
}

/// PEFT itself takes the nearest size that divides the features, with a warning.
std::int64_t block_of(const AdapterConfig& config, const OftConfig& oft,
                      const ModelModule& module) {
  const std::int64_t in = module.weight[1];
  const std::int64_t wanted = oft.r == 0 ? oft.oft_block_size : oft.r;
  const std::int64_t block = oft.r == 0 ? wanted : in / wanted;
  if (in % wanted == 0 && block >= 2) return block;
  throw InputError(config.file + ": '" + (oft.r == 0 ? "oft_block_size" : "r") +
                   "': expected blocks of 2 or more features that divide the " +
                   std::to_string(in) + " of " + quote(module.name) + ", found " +
                   std::to_string(wanted));
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t) {
  const auto& oft = std::any_cast<const OftConfig&>(config.own);
  AdapterPlan plan = plan_of_linears(oft_method(), config, modules, facts, oft.bias);
  OftPlan own;
  own.terms = oft.terms;
  for (const std::string& name : plan.adapted) {
    const std::int64_t block = block_of(config, oft, module_named(modules, name));
    own.modules.push_back({name, block});
    plan.fixed.emplace(skew_name(block), skew_matrix(block));
  }
  plan.own = std::move(own);
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_oft(transformer, std::any_cast<const OftPlan&>(plan.own));
}

}  // namespace

const PeftMethod& oft_method() {
  static const PeftMethod method = {"OFT", "OFT", oft_keys(), read, plan, apply};
  return method;
}

}  // namespace corank
