#include "models/peft/norm_tuning.h"

#include <set>

#include "models/base/error.h"
#include "models/peft/trained_parameters.h"

namespace corank {

void apply_norm_tuning(Transformer& transformer, const NormTuningPlan& plan) {
  std::set<std::string> tuned;
  for (const std::string& name : plan.modules) {
    require_once(tuned, name, "an adapter's module");
    const Module& module = required_module(transformer, name);
    if (module.kind != ModuleKind::kNorm) {
      throw InputError("LayerNorm tuning: " + name + " is no normalisation, which it trains");
    }
    make_trainable(transformer.graph, module.weight);
    if (module.bias) make_trainable(transformer.graph, *module.bias);
  }
  check(transformer.graph);
}

}  // namespace corank
