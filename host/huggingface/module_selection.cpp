#include "host/huggingface/module_selection.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "host/huggingface/regular_expression.h"
#include "models/base/error.h"

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

std::string quoted(const ModulePattern& pattern) {
  if (pattern.expression) return "\"" + *pattern.expression + "\"";
  std::string text = "[";
  for (const std::string& name : pattern.names) text += (text.size() > 1 ? ", " : "") + name;
  return text + "]";
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
    for (const std::string& pattern : config.layers_pattern)
      layers_.push_back(expression(".*\\." + pattern + "\\.(\\d+)\\.", "layers_pattern"));
    if (config.layers_pattern.empty())
      layers_.push_back(expression(".*\\.[^.]*\\.(\\d+)\\.", "layers_to_transform"));
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
      const auto groups = pattern.match(module);
      if (!groups) continue;
      // The first pattern that matches decides; the number is its last group, but patterns may have
      // groups of their own before it, and PEFT takes the first one.
      const auto& wanted = *config_.layers_to_transform;
      return std::any_of(wanted.begin(), wanted.end(), [&](std::int64_t layer) {
        return std::to_string(layer) == groups->at(1);
      });
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

TrainableTokens resolve_tokens(const AdapterConfig& config, const TokenRows& rows,
                               const std::vector<ModelModule>& modules, const ModelFacts& facts) {
  const std::string where = config.file + ": 'trainable_token_indices'";
  const std::string wanted = rows.module.empty() ? facts.input_embedding : rows.module;
  const auto module = std::find_if(modules.begin(), modules.end(), [&](const ModelModule& m) {
    return m.kind == ModuleKind::kEmbedding &&
           (m.name == wanted || ends_with(m.name, "." + wanted));
  });
  if (module == modules.end())
    throw InputError(where + ": expected an embedding of the model, found '" + wanted + "'");
  std::set<std::int64_t> seen;
  for (const std::int64_t id : rows.ids) {
    if (id >= module->weight.at(0))
      throw InputError(where + ": expected rows of " + module->name + " below " +
                       std::to_string(module->weight.at(0)) + ", found " + std::to_string(id));
    if (!seen.insert(id).second)
      throw InputError(where + ": the row " + std::to_string(id) + " stands there twice");
  }
  return {module->name, rows.ids};
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
      throw InputError(config.file + ": 'target_modules': " + quoted(matcher.targets()) +
                       " means the module '" + module.name +
                       "', too; expected linear and embedding modules only");
    const LoraScale scale{matcher.alpha_of(module.name),
                          static_cast<int>(matcher.rank_of(module.name)), config.use_rslora};
    plan.adapters.push_back({module.name, scale});
    adapted.insert(module.name);
  }
  if (adapted.empty())
    throw InputError(config.file + ": 'target_modules': expected names of modules of the model, " +
                     "found none that " + quoted(matcher.targets()) + " means");

  plan.saved_modules = saved_modules(config, modules);
  const std::set<std::string> saved(plan.saved_modules.begin(), plan.saved_modules.end());

  for (const ModelModule& module : modules)
    if (module.bias && saved.count(module.name) == 0 &&
        (config.bias == BiasTraining::kAll ||
         (config.bias == BiasTraining::kLoraOnly && adapted.count(module.name) != 0)))
      plan.trainable_biases.push_back(module.name);

  for (const TokenRows& rows : config.trainable_tokens) {
    plan.trainable_tokens.push_back(resolve_tokens(config, rows, modules, facts));
    const std::string& name = plan.trainable_tokens.back().module;
    if (adapted.count(name) != 0 || saved.count(name) != 0)
      throw InputError(config.file + ": 'trainable_token_indices': " + name +
                       " is adapted or saved as well; expected one of these");
  }
  return plan;
}

}  // namespace corank
