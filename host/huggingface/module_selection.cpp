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
  if (named && config.targets.layers_to_transform) {
    std::string layers;
    for (const std::int64_t layer : *config.targets.layers_to_transform)
      layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
    const std::string where =
        config.targets.layers_pattern.empty()
            ? ""
            : " of layers_pattern " + quote_list(config.targets.layers_pattern);
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
          const ModelFacts& facts, const DefaultModules& defaults)
      : config_(config), targets_(config.targets.target_modules), output_head_(facts.output_head) {
    const TargetKeys& keys = config.targets;
    if (keys.default_targets) targets_.names = default_names(defaults, facts);
    if (keys.all_linear)
      for (const ModelModule& module : modules)
        if (module.kind == ModuleKind::kLinear && !is_output_layer(module.name))
          targets_.names.push_back(module.name);
    if (targets_.expression) target_ = expression(*targets_.expression, "target_modules");
    if (keys.exclude_modules.expression)
      exclude_ = expression(*keys.exclude_modules.expression, "exclude_modules");
    for (const std::string& name : config.modules_to_save)
      saved_.push_back(expression("(^|.*\\.)" + name + "($|\\..*)", "modules_to_save"));
    // What comes before the pattern is optional, and the first number in the name counts.
    for (const std::string& pattern : keys.layers_pattern)
      layers_.push_back(
          expression("(?:^|.*?\\.)" + pattern + "\\.(?<idx>\\d+)\\.", "layers_pattern"));
    if (keys.layers_pattern.empty())
      layers_.push_back(expression(".*?\\.[^.]*\\.(?<idx>\\d+)\\.", "layers_to_transform"));
  }

  const ModulePattern& targets() const { return targets_; }

  bool is_target(const std::string& module) const {
    if (exclude_ ? exclude_->full_match(module).has_value()
                 : is_named(config_.targets.exclude_modules.names, module))
      return false;
    for (const RegularExpression& saved : saved_)
      if (saved.match(module)) return false;
    if (target_) return target_->full_match(module).has_value();
    const auto& names = targets_.names;
    // A full name bypasses the filter of layers.
    if (std::find(names.begin(), names.end(), module) != names.end()) return true;
    return is_named(names, module) && is_in_layers(module);
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
    const auto& wanted = config_.targets.layers_to_transform;
    if (!wanted) return true;
    for (const RegularExpression& pattern : layers_) {
      const auto number = pattern.match_group(module, "idx");
      if (!number) continue;
      // The first pattern that matches decides.
      return std::any_of(wanted->begin(), wanted->end(),
                         [&](std::int64_t layer) { return std::to_string(layer) == *number; });
    }
    return false;
  }

  const AdapterConfig& config_;
  ModulePattern targets_;
  std::string output_head_;
  std::optional<RegularExpression> target_, exclude_;
  std::vector<RegularExpression> saved_, layers_;
};

const char* name_of(ModuleKind kind) {
  switch (kind) {
    case ModuleKind::kLinear:
      return "linear";
    case ModuleKind::kEmbedding:
      return "embedding";
    case ModuleKind::kNorm:
      break;
  }
  return "normalisation";
}

/// "linear and embedding"
std::string text_of(const std::vector<ModuleKind>& kinds) {
  std::string text;
  for (const ModuleKind kind : kinds)
    text += (text.empty() ? "" : " and ") + std::string(name_of(kind));
  return text;
}

}  // namespace

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

std::vector<std::string> default_names(const DefaultModules& defaults, const ModelFacts& facts) {
  const auto found = defaults.find(facts.model_type);
  return found == defaults.end() ? std::vector<std::string>{} : found->second;
}

const DefaultModules& default_targets_of_lora() {
  static const DefaultModules defaults = {{"llama", {"q_proj", "v_proj"}},
                                          {"bert", {"query", "value"}}};
  return defaults;
}

const ModelModule& module_named(const std::vector<ModelModule>& modules, const std::string& name) {
  return *std::find_if(modules.begin(), modules.end(),
                       [&](const ModelModule& module) { return module.name == name; });
}

std::vector<std::string> trainable_biases(BiasTraining bias,
                                          const std::vector<ModelModule>& modules,
                                          const std::vector<std::string>& adapted,
                                          const std::vector<std::string>& saved) {
  const auto is_one_of = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> trained;
  for (const ModelModule& module : modules) {
    const bool wanted = bias == BiasTraining::kAll ||
                        (bias == BiasTraining::kAdapted && is_one_of(adapted, module.name));
    if (module.bias && wanted && !is_one_of(saved, module.name)) trained.push_back(module.name);
  }
  return trained;
}

std::vector<std::string> target_modules(const AdapterConfig& config,
                                        const std::vector<ModelModule>& modules,
                                        const ModelFacts& facts, const DefaultModules& defaults,
                                        const std::vector<ModuleKind>& kinds) {
  const Matcher matcher(config, modules, facts, defaults);
  std::vector<std::string> adapted;
  for (const ModelModule& module : modules) {
    if (!matcher.is_target(module.name)) continue;
    if (!module.kind || std::find(kinds.begin(), kinds.end(), *module.kind) == kinds.end())
      throw InputError(config.file + ": 'target_modules': " + text_of(matcher.targets()) +
                       " means the module '" + module.name + "', too; expected " + text_of(kinds) +
                       " modules only");
    adapted.push_back(module.name);
  }
  if (adapted.empty()) refuse_no_target(config, matcher.targets(), modules);
  return adapted;
}

}  // namespace corank
