#include "host/huggingface/methods/lora.h"

#include <algorithm>
#include <set>
#include <utility>

#include "host/huggingface/regular_expression.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

/// The keys of LoraConfig of PEFT 0.21.
KnownKeys lora_keys() {
  constexpr KeyUse kHonoured = KeyUse::kHonoured;
  constexpr KeyUse kHarmless = KeyUse::kHarmless;
  constexpr KeyUse kRefused = KeyUse::kRefused;
  return {
      {"r", kHonoured},
      {"lora_alpha", kHonoured},
      {"lora_dropout", kHonoured},
      {"use_rslora", kHonoured},
      {"use_dora", kHonoured},
      {"bias", kHonoured},
      {"layers_to_transform", kHonoured},
      {"layers_pattern", kHonoured},
      {"rank_pattern", kHonoured},
      {"alpha_pattern", kHonoured},
      {"init_lora_weights", kHonoured},
      {"trainable_token_indices", kHonoured},
      {"ensure_weight_tying", kHonoured},

      // Another computation than a LoRA's, or another model.
      {"use_qalora", kRefused},
      {"use_bdlora", kRefused},
      {"lora_bias", kRefused},
      {"target_parameters", kRefused},
      {"layer_replication", kRefused},
      {"alora_invocation_tokens", kRefused},
      {"arrow_config", kRefused},
      {"kasa_config", kRefused},
      {"velora_config", kRefused},
      {"monteclora_config", kRefused},
      {"megatron_config", kRefused},

      // Only together with a key that is refused.
      {"megatron_core", kHarmless},
      {"qalora_group_size", kHarmless},
      // Only with a value of init_lora_weights that is refused, or that gives A its start.
      {"loftq_config", kHarmless},
      {"eva_config", kHarmless},
      {"corda_config", kHarmless},
      {"lora_ga_config", kHarmless},
  };
}

void read_trainable_tokens(const JsonObject& config, LoraConfig& lora) {
  const std::string key = "trainable_token_indices";
  if (!config.has(key) || is_off(config.json().at(key))) return;
  const Json& value = config.json().at(key);
  if (!value.is_object()) {
    lora.trainable_tokens.push_back({"", read_integers(config, key, value)});
    return;
  }
  for (const auto& [module, ids] : value.items())
    lora.trainable_tokens.push_back({module, read_integers(config, key, ids)});
}

void check_initialisation(const JsonObject& config) {
  // Only the first values of A and B depend on these; corank takes them from the adapter's file.
  const std::string key = "init_lora_weights";
  if (!config.has(key) || config.json().at(key).is_boolean()) return;
  const std::string method = config.text(key);
  if (method == "gaussian" || method == "orthogonal" || method == "eva") return;
  config.refuse(key,
                "true, false, \"gaussian\", \"orthogonal\" or \"eva\", which leave the base "
                "weights as they are");
}

void read(const JsonObject& json, AdapterConfig& config) {
  LoraConfig lora;
  lora.r = static_cast<int>(json.integer("r", 1, 1 << 20));
  lora.lora_alpha = json.number("lora_alpha");
  lora.lora_dropout = read_dropout(json, "lora_dropout");
  lora.use_rslora = json.boolean_or("use_rslora", false);
  lora.use_dora = json.boolean_or("use_dora", false);
  lora.bias = read_bias(json, "lora_only");
  read_layers(json, config.targets);
  read_patterns(json, lora.rank_pattern, lora.alpha_pattern);
  read_trainable_tokens(json, lora);
  lora.ensure_weight_tying = json.boolean_or("ensure_weight_tying", false);
  check_initialisation(json);
  config.own = std::move(lora);
}

/// The row numbers, each once and within the module.
void check_rows(const std::string& where, const TokenRows& rows, const ModelModule& module) {
  std::set<std::int64_t> seen;
  for (const std::int64_t id : rows.ids) {
    if (id >= module.weight.at(0))
      throw InputError(where + ": expected rows of " + module.name + " below " +
                       std::to_string(module.weight.at(0)) + ", found " + std::to_string(id));
    if (!seen.insert(id).second)
      throw InputError(where + ": the row " + std::to_string(id) + " stands there twice");
  }
}

/// The modules of which these rows are trained: as for modules_to_save, PEFT compares the end of
/// the name. (Of a linear with a bias it would drop the bias.)
std::vector<TrainableTokens> resolve_tokens(const AdapterConfig& config, const TokenRows& rows,
                                            const std::vector<ModelModule>& modules,
                                            const ModelFacts& facts) {
  const std::string where = config.file + ": 'trainable_token_indices'";
  const std::string wanted = rows.module.empty() ? facts.input_embedding : rows.module;
  std::vector<TrainableTokens> tokens;
  for (const ModelModule& module : modules) {
    if (!ends_with(module.name, wanted)) continue;
    const bool has_rows = module.kind == ModuleKind::kEmbedding ||
                          (module.kind == ModuleKind::kLinear && !module.bias);
    if (!has_rows)
      throw InputError(where + ": expected an embedding, or a linear without a bias, found " +
                       quote(module.name));
    check_rows(where, rows, module);
    tokens.push_back({module.name, rows.ids});
  }
  if (tokens.empty())
    throw InputError(where + ": expected an embedding of the model, found " + quote(wanted));
  return tokens;
}

/// All trained rows. Those of an output head that shares the table of the embedding are the
/// embedding's, where they are the same rows (peft.utils.other.set_additional_trainable_modules).
std::vector<TrainableTokens> all_tokens(const AdapterConfig& config, const LoraConfig& lora,
                                        const std::vector<ModelModule>& modules,
                                        const ModelFacts& facts) {
  std::vector<TrainableTokens> all;
  for (const TokenRows& rows : lora.trainable_tokens)
    for (TrainableTokens& tokens : resolve_tokens(config, rows, modules, facts))
      all.push_back(std::move(tokens));
  const auto of = [&](const std::string& module) {
    return std::find_if(all.begin(), all.end(),
                        [&](const TrainableTokens& tokens) { return tokens.module == module; });
  };
  const auto embedding = of(facts.input_embedding), head = of(facts.output_head);
  if (!facts.tied_head || embedding == all.end() || head == all.end()) return all;
  if (embedding->tokens == head->tokens)
    all.erase(head);
  else if (lora.ensure_weight_tying)
    throw InputError(config.file + ": 'ensure_weight_tying': expected the same rows of " +
                     embedding->module + " and " + head->module + ", found different ones");
  return all;
}

/// Adapters and copies of a tied head and its table are independent of each other here.
void check_tying(const AdapterConfig& config, const ModelFacts& facts, const AdapterPlan& plan) {
  if (!lora_config(config).ensure_weight_tying || !facts.tied_head) return;
  std::vector<std::string> names = plan.parameters.saved_modules;
  names.insert(names.end(), plan.adapted.begin(), plan.adapted.end());
  for (const std::string& name : names)
    if (name == facts.input_embedding || name == facts.output_head)
      throw InputError(config.file + ": 'ensure_weight_tying': true is not supported where " +
                       quote(name) + " is adapted or saved; expected false or no such key");
}

bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The parameters of the model that are trained beside the adapters.
TrainedParameters parameters_of(const AdapterConfig& config,
                                const std::vector<ModelModule>& modules, const ModelFacts& facts,
                                const std::vector<std::string>& adapted) {
  const LoraConfig& lora = lora_config(config);
  TrainedParameters parameters;
  parameters.saved_modules = saved_modules(config, modules);
  const auto is_saved = [&](const std::string& module) {
    return is_one_of(parameters.saved_modules, module);
  };
  parameters.trainable_biases =
      trainable_biases(lora.bias, modules, adapted, parameters.saved_modules);
  parameters.trainable_tokens = all_tokens(config, lora, modules, facts);
  for (const TrainableTokens& tokens : parameters.trainable_tokens)
    if (is_one_of(adapted, tokens.module) || is_saved(tokens.module))
      throw InputError(config.file + ": 'trainable_token_indices': " + tokens.module +
                       " is adapted or saved as well; expected one of these");
  return parameters;
}

void check_dora(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                const std::vector<std::string>& adapted) {
  for (const ModelModule& module : modules)
    if (module.kind == ModuleKind::kEmbedding && is_one_of(adapted, module.name))
      throw InputError(config.file + ": 'use_dora': true is not supported where the embedding " +
                       quote(module.name) + " is adapted; expected false or no such key");
}

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t seed) {
  const LoraConfig& lora = lora_config(config);
  const OfModules<std::int64_t> ranks(config, "rank_pattern", lora.rank_pattern, lora.r);
  const OfModules<double> alphas(config, "alpha_pattern", lora.alpha_pattern, lora.lora_alpha);
  AdapterPlan plan;
  plan.method = &lora_method();
  plan.adapted = target_modules(config, modules, facts, default_targets_of_lora(),
                                {ModuleKind::kLinear, ModuleKind::kEmbedding});
  if (lora.use_dora) check_dora(config, modules, plan.adapted);
  LoraPlan own;
  own.dropout = lora.lora_dropout;
  own.dropout_seed = seed;
  own.trained_norms = lora.use_dora;
  for (const std::string& module : plan.adapted)
    own.adapters.push_back(
        {module, {alphas.of(module), static_cast<int>(ranks.of(module)), lora.use_rslora}});
  plan.own = std::move(own);
  plan.parameters = parameters_of(config, modules, facts, plan.adapted);
  check_tying(config, facts, plan);
  return plan;
}

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_lora(transformer, lora_plan(plan));
}

void without_dropout(AdapterPlan& plan) { std::any_cast<LoraPlan&>(plan.own).dropout = 0; }

}  // namespace

const PeftMethod& lora_method() {
  static const PeftMethod method = {"LORA", "LoRA", lora_keys(), read,
                                    plan,   apply,  nullptr,     without_dropout};
  return method;
}

void freeze_down(AdapterPlan& plan, const Transformer& transformer) {
  std::any_cast<LoraPlan&>(plan.own).frozen_down = true;
  for (const std::string& module : plan.adapted)
    if (required_module(transformer, module).kind == ModuleKind::kLinear)
      plan.kept.push_back(module + ".lora_A.weight");
}

const LoraConfig& lora_config(const AdapterConfig& config) {
  return std::any_cast<const LoraConfig&>(config.own);
}

const LoraPlan& lora_plan(const AdapterPlan& plan) {
  return std::any_cast<const LoraPlan&>(plan.own);
}

}  // namespace corank
