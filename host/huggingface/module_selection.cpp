#include "host/huggingface/module_selection.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "host/huggingface/regular_expression.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool is_named(const std::vector<std::string>& names, const std::string& module) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return module == name || ends_with(module, "." + name);
  });
}

std::string text_of(const ModulePattern& pattern) {
  return pattern.expression ? "\"" + printable(*pattern.expression, 200) + "\""
                            : "[" + quote_list(pattern.names) + "]";
}

/// Why nothing is adapted: the targets mean nothing, or nothing in the layers that are wanted.
[[noreturn]] void refuse_no_target(const AdapterConfig& config, const ModulePattern& targets,
                                   const std::vector<ModelModule>& modules) {
  const bool named = !targets.expression &&
                     std::any_of(modules.begin(), modules.end(), [&](const ModelModule& module) {
                       return is_named(targets.names, module.name);
                     });
  if (named && config.layers_to_transform) {
    std::string layers;
    for (const std::int64_t layer : *config.layers_to_transform)
      layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
    const std::string where = config.layers_pattern.empty()
                                  ? ""
                                  : " of layers_pattern " + quote_list(config.layers_pattern);
    throw InputError(config.file + ": 'layers_to_transform': expected layers of the model with a " +
                     "module of " + text_of(targets) + ", found none in the layers [" +
                     printable(layers, 200) + "]" + where);
  }
  throw InputError(config.file + ": 'target_modules': expected names of modules of the model, " +
                   "found none that " + text_of(targets) + " means");
}

/// Compiles the expressions of a configuration once.
class Matcher {
 public:
  Matcher(const AdapterConfig& config, const std::vector<ModelModule>& modules,
          const ModelFacts& facts)
      : config_(config), targets_(config.target_modules), output_head_(facts.output_head) {
    if (config.default_targets) {
      // PEFT's TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.
      if (facts.model_type == "llama") targets_.names = {"q_proj", "v_proj"};
      if (facts.model_type == "bert") targets_.names = {"query", "value"};
    }
    if (config.all_linear)
      for (const ModelModule& module : modules)
        if (module.kind == ModuleKind::kLinear && !is_output_layer(module.name))
          targets_.names.push_back(module.name);
    if (targets_.expression) target_ = expression(*targets_.expression, "target_modules");
    if (config.exclude_modules.expression)
      exclude_ = expression(*config.exclude_modules.expression, "exclude_modules");
    for (const std::string& name : config.modules_to_save)
      saved_.push_back(expression("(^|.*\\.)" + name + "($|\\..*)", "modules_to_save"));
    // What comes before the pattern is optional, and the first number in the name counts.
    for (const std::string& pattern : config.layers_pattern)
      layers_.push_back(
          expression("(?:^|.*?\\.)" + pattern + "\\.(?<idx>\\d+)\\.", "layers_pattern"));
    if (config.layers_pattern.empty())
      layers_.push_back(expression(".*?\\.[^.]*\\.(?<idx>\\d+)\\.", "layers_to_transform"));
    for (const auto& [key, rank] : config.rank_pattern)
      ranks_.emplace_back(expression("(.*\\.)?(" + key + ")$", "rank_pattern"), rank);
    for (const auto& [key, alpha] : config.alpha_pattern)
      alphas_.emplace_back(expression("(.*\\.)?(" + key + ")$", "alpha_pattern"), alpha);
  }

  const ModulePattern& targets() const { return targets_; }

  bool is_target(const std::string& module) const {
    if (exclude_ ? exclude_->full_match(module).has_value()
                 : is_named(config_.exclude_modules.names, module))
      return false;
    for (const RegularExpression& saved : saved_)
      if (saved.match(module)) return false;
    if (target_) return target_->full_match(module).has_value();
    const auto& names = targets_.names;
    // A full name bypasses the filter of layers.
    if (std::find(names.begin(), names.end(), module) != names.end()) return true;
    return is_named(names, module) && is_in_layers(module);
  }

  std::int64_t rank_of(const std::string& module) const {
    return first_match(ranks_, module, std::int64_t{config_.r});
  }
  double alpha_of(const std::string& module) const {
    return first_match(alphas_, module, config_.lora_alpha);
  }

 private:
  RegularExpression expression(const std::string& pattern, const std::string& key) const {
    return {pattern, config_.file + ": '" + key + "'"};
  }

  /// Not part of "all-linear": the output embedding of a causal model, and the classification head
  /// if the task says that it is one.
  bool is_output_layer(const std::string& module) const {
    return module == output_head_ && (module == "lm_head" || config_.task_type == "SEQ_CLS");
  }

  bool is_in_layers(const std::string& module) const {
    if (!config_.layers_to_transform) return true;
    for (const RegularExpression& pattern : layers_) {
      const auto number = pattern.match_group(module, "idx");
      if (!number) continue;
      // The first pattern that matches decides.
      const auto& wanted = *config_.layers_to_transform;
      return std::any_of(wanted.begin(), wanted.end(),
                         [&](std::int64_t layer) { return std::to_string(layer) == *number; });
    }
    return false;
  }

  template <class Number>
  static Number first_match(const std::vector<std::pair<RegularExpression, Number>>& patterns,
                            const std::string& module, Number preset) {
    for (const auto& [pattern, value] : patterns)
      if (pattern.match(module)) return value;
    return preset;
  }

  const AdapterConfig& config_;
  ModulePattern targets_;
  std::string output_head_;
  std::optional<RegularExpression> target_, exclude_;
  std::vector<RegularExpression> saved_, layers_;
  std::vector<std::pair<RegularExpression, std::int64_t>> ranks_;
  std::vector<std::pair<RegularExpression, double>> alphas_;
};

/// Modules that own parameters and are, or lie in, one that modules_to_save means.
std::vector<std::string> saved_modules(const AdapterConfig& config,
                                       const std::vector<ModelModule>& modules) {
  std::set<std::string> means;
  for (const ModelModule& module : modules)
    // PEFT compares the end of the name, without a dot before it.
    if (std::any_of(config.modules_to_save.begin(), config.modules_to_save.end(),
                    [&](const std::string& name) { return ends_with(module.name, name); }))
      means.insert(module.name);
  std::vector<std::string> saved;
  for (const ModelModule& module : modules) {
    const bool is_saved = std::any_of(means.begin(), means.end(), [&](const std::string& outer) {
      return module.name == outer || module.name.compare(0, outer.size() + 1, outer + ".") == 0;
    });
    if (module.kind && is_saved) saved.push_back(module.name);
  }
  return saved;
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
std::vector<TrainableTokens> all_tokens(const AdapterConfig& config,
                                        const std::vector<ModelModule>& modules,
                                        const ModelFacts& facts) {
  std::vector<TrainableTokens> all;
  for (const TokenRows& rows : config.trainable_tokens)
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
  else if (config.ensure_weight_tying)
    throw InputError(config.file + ": 'ensure_weight_tying': expected the same rows of " +
                     embedding->module + " and " + head->module + ", found different ones");
  return all;
}

/// Adapters and copies of a tied head and its table are independent of each other here.
void check_tying(const AdapterConfig& config, const ModelFacts& facts, const LoraPlan& plan) {
  if (!config.ensure_weight_tying || !facts.tied_head) return;
  std::vector<std::string> names = plan.saved_modules;
  for (const LoraModule& adapter : plan.adapters) names.push_back(adapter.module);
  for (const std::string& name : names)
    if (name == facts.input_embedding || name == facts.output_head)
      throw InputError(config.file + ": 'ensure_weight_tying': true is not supported where " +
                       quote(name) + " is adapted or saved; expected false or no such key");
}

}  // namespace

std::vector<ModelModule> modules_of(const Transformer& transformer) {
  std::vector<ModelModule> modules;
  std::set<std::string> holders;
  for (const Module& module : transformer.modules) {
    const std::string& name = module.name;
    for (std::size_t end = name.find('.'); end != std::string::npos; end = name.find('.', end + 1))
      if (holders.insert(name.substr(0, end)).second)
        modules.push_back({name.substr(0, end), std::nullopt, {}, false});
    modules.push_back(
        {name, module.kind, transformer.graph.value(module.weight).shape, module.bias.has_value()});
  }
  return modules;
}

LoraPlan select_modules(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                        const ModelFacts& facts) {
  const Matcher matcher(config, modules, facts);
  LoraPlan plan;
  plan.dropout = config.lora_dropout;
  std::set<std::string> adapted;
  for (const ModelModule& module : modules) {
    if (!matcher.is_target(module.name)) continue;
    if (module.kind != ModuleKind::kLinear && module.kind != ModuleKind::kEmbedding)
      throw InputError(config.file + ": 'target_modules': " + text_of(matcher.targets()) +
                       " means the module '" + module.name +
                       "', too; expected linear and embedding modules only");
    const LoraScale scale{matcher.alpha_of(module.name),
                          static_cast<int>(matcher.rank_of(module.name)), config.use_rslora};
    plan.adapters.push_back({module.name, scale});
    adapted.insert(module.name);
  }
  if (adapted.empty()) refuse_no_target(config, matcher.targets(), modules);

  plan.saved_modules = saved_modules(config, modules);
  const std::set<std::string> saved(plan.saved_modules.begin(), plan.saved_modules.end());

  for (const ModelModule& module : modules)
    if (module.bias && saved.count(module.name) == 0 &&
        (config.bias == BiasTraining::kAll ||
         (config.bias == BiasTraining::kLoraOnly && adapted.count(module.name) != 0)))
      plan.trainable_biases.push_back(module.name);

  plan.trainable_tokens = all_tokens(config, modules, facts);
  for (const TrainableTokens& tokens : plan.trainable_tokens)
    if (adapted.count(tokens.module) != 0 || saved.count(tokens.module) != 0)
      throw InputError(config.file + ": 'trainable_token_indices': " + tokens.module +
                       " is adapted or saved as well; expected one of these");
  check_tying(config, facts, plan);
  return plan;
}

}  // namespace corank
