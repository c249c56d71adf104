#include "host/huggingface/methods/ia3.h"

#include <algorithm>
#include <optional>

#include "host/huggingface/regular_expression.h"
#include "models/base/text.h"
#include "models/peft/ia3.h"

namespace corank {
namespace {

/// Which targets are feed-forward ones; nothing: PEFT's choice for the architecture.
using FeedforwardModules = std::optional<ModulePattern>;

void read(const JsonObject& json, AdapterConfig& config) {
  FeedforwardModules feedforward;
  if (json.has("feedforward_modules")) feedforward = read_pattern(json, "feedforward_modules");
  const TargetKeys& targets = config.targets;
  const bool both_lists = feedforward && !feedforward->expression && !targets.all_linear &&
                          !targets.default_targets && !targets.target_modules.expression;
  if (both_lists) {
    for (const std::string& name : feedforward->names) {
      const std::vector<std::string>& names = targets.target_modules.names;
      if (std::find(names.begin(), names.end(), name) == names.end())
        json.refuse("feedforward_modules", "names out of target_modules only");
    }
  }
  json.boolean_or("init_ia3_weights", true);  // the vectors' start, which is in the adapter's file
  config.own = feedforward;
}

/// Whether a target is a feed-forward one. Unlike that of the targets, PEFT's comparison of the
/// end of a name needs no dot before it (IA3Model._check_target_module_feedforward).
class FeedforwardMatcher {
 public:
  FeedforwardMatcher(const AdapterConfig& config, const ModelFacts& facts) {
    // PEFT's TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING.
    static const DefaultModules defaults = {{"llama", {"down_proj"}}, {"bert", {"output.dense"}}};
    const auto& given = std::any_cast<const FeedforwardModules&>(config.own);
    names_ = given ? given->names : default_names(defaults, facts);
    if (given && given->expression)
      expression_.emplace(*given->expression, config.file + ": 'feedforward_modules'");
  }

  bool match(const std::string& module) const {
    if (expression_) return expression_->full_match(module).has_value();
    return std::any_of(names_.begin(), names_.end(),
                       [&](const std::string& name) { return ends_with(module, name); });
  }

 private:
  std::vector<std::string> names_;
  std::optional<RegularExpression> expression_;
};

AdapterPlan plan(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                 const ModelFacts& facts, std::uint64_t) {
  // PEFT's TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.
  static const DefaultModules defaults = {{"llama", {"k_proj", "v_proj", "down_proj"}},
                                          {"bert", {"key", "value", "output.dense"}}};
  const FeedforwardMatcher feedforward(config, facts);
  AdapterPlan plan;
  plan.method = &ia3_method();
  plan.adapted = target_modules(config, modules, facts, defaults, {ModuleKind::kLinear});
  plan.parameters.saved_modules = saved_modules(config, modules);
  Ia3Plan own;
  for (const std::string& module : plan.adapted)
    own.modules.push_back({module, feedforward.match(module)});
  plan.own = std::move(own);
  return plan;
}

const Ia3Plan& ia3_plan(const AdapterPlan& plan) { return std::any_cast<const Ia3Plan&>(plan.own); }

void apply(Transformer& transformer, const AdapterPlan& plan) {
  apply_ia3(transformer, ia3_plan(plan));
}

/// PEFT keeps l as a column of outputs, or as a row of inputs.
void to_file(const Value& value, const AdapterPlan& plan, FileTensor& tensor) {
  for (const Ia3Module& adapter : ia3_plan(plan).modules) {
    if (value.name != adapter.module + ".ia3_l") continue;
    const std::int64_t size = value.shape.back();
    tensor.shape = adapter.feedforward ? Shape{1, size} : Shape{size, 1};
  }
}

}  // namespace

const PeftMethod& ia3_method() {
  // The keys of IA3Config of PEFT 0.21.
  static const PeftMethod method = {
      "IA3",
      "(IA)^3",
      {{"feedforward_modules", KeyUse::kHonoured}, {"init_ia3_weights", KeyUse::kHonoured}},
      read,
      plan,
      apply,
      to_file};
  return method;
}

}  // namespace corank
