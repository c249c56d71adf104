// The optimizer of a training step, and what it is told anew with every step.
#pragma once

#include <cstdint>

#include "models/base/tensor.h"
#include "models/ops/adamw.h"
#include "models/ops/sgd.h"
#include "models/program/schedule.h"

namespace corank {

enum class OptimizerKind { kAdamW, kSgd };
/// "adamw", "sgd": as torch.optim.AdamW and torch.optim.SGD.
const char* name_of(OptimizerKind kind);

/// What is trained by one learning rate and weight decay.
enum class ParameterGroup { kDown, kUp, kUpWithoutDecay, kEmbedding };

/// LoRA+ (Hayou et al., 2024, arXiv 2402.12354): learning rates by group, as PEFT's
/// create_loraplus_optimizer has them.
struct LoraPlus {
  double ratio = 0;  // of the learning rates of the groups kUp and kDown; 0: no LoRA+
  double embedding_lr = 1e-6;
};

struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kAdamW;
  AdamWOptions adamw;  // of either, the one that `kind` means counts
  SgdOptions sgd;
  Schedule schedule;
  double clip_norm = 0;         // largest global norm of a step's gradients; 0: no clipping
  std::int64_t accumulate = 1;  // micro-batches of a step
  LoraPlus lora_plus;

  /// FP32 moments for each trained element: 2, 1 or 0.
  int moments() const;
};

/// As a group has them: with its learning rate and weight decay. Without LoRA+ all have the same.
OptimizerSettings of_group(OptimizerSettings settings, ParameterGroup group);

/// At step 0, 1, ... of a run.
double learning_rate(const OptimizerSettings& settings, std::int64_t step);

/// The constants that the update ops read: of step `step` of the run, which is update number
/// `update` (from 1) of what is trained. Throws InputError outside torch's ranges.
Tensor optimizer_constants(const OptimizerSettings& settings, std::int64_t step,
                           std::int64_t update);

}  // namespace corank
