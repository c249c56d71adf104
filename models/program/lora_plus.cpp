#include "models/program/lora_plus.h"

#include <algorithm>

namespace corank {
namespace {

/// PEFT goes by the type torch.nn.LayerNorm, which an RMSNorm is not.
bool is_of_layer_norm(const Transformer& transformer, ValueId id) {
  return std::any_of(transformer.modules.begin(), transformer.modules.end(),
                     [&](const Module& module) {
                       return module.kind == ModuleKind::kNorm && module.bias &&
                              (module.weight == id || *module.bias == id);
                     });
}

}  // namespace

ParameterGroup lora_plus_group(const Transformer& transformer, ValueId trained) {
  const Value& value = transformer.graph.value(trained);
  const auto named = [&](const char* part) { return value.name.find(part) != std::string::npos; };
  if (named(".lora_embedding_")) return ParameterGroup::kEmbedding;
  if (!named(".lora_B.") && value.shape.size() > 1) return ParameterGroup::kDown;
  return named("bias") || is_of_layer_norm(transformer, trained) ? ParameterGroup::kUpWithoutDecay
                                                                 : ParameterGroup::kUp;
}

}  // namespace corank
