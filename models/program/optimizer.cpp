#include "models/program/optimizer.h"

namespace corank {

const char* name_of(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::kAdamW:
      return "adamw";
    case OptimizerKind::kSgd:
      return "sgd";
  }
  return "";  // not reached: every kind stands above
}

int OptimizerSettings::moments() const {
  if (kind == OptimizerKind::kSgd) return sgd.momentum == 0 ? 0 : 1;
  return 2;
}

OptimizerSettings of_group(OptimizerSettings settings, ParameterGroup group) {
  if (settings.lora_plus.ratio == 0) return settings;
  for (double* lr : {&settings.adamw.lr, &settings.sgd.lr}) {
    if (group == ParameterGroup::kEmbedding)
      *lr = settings.lora_plus.embedding_lr;
    else if (group != ParameterGroup::kDown)
      *lr *= settings.lora_plus.ratio;
  }
  if (group == ParameterGroup::kUpWithoutDecay)
    settings.adamw.weight_decay = settings.sgd.weight_decay = 0;
  return settings;
}

double learning_rate(const OptimizerSettings& settings, std::int64_t step) {
  const double lr = settings.kind == OptimizerKind::kSgd ? settings.sgd.lr : settings.adamw.lr;
  return lr * schedule_factor(settings.schedule, step);
}

Tensor optimizer_constants(const OptimizerSettings& settings, std::int64_t step,
                           std::int64_t update) {
  if (settings.kind == OptimizerKind::kSgd) {
    SgdOptions options = settings.sgd;
    options.lr = learning_rate(settings, step);
    return tensor_of(constants_of(options, update));
  }
  AdamWOptions options = settings.adamw;
  options.lr = learning_rate(settings, step);
  return tensor_of(constants_of(options, update));
}

}  // namespace corank
