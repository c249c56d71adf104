// The training step of a transformer, as a program.
#pragma once

#include <optional>

#include "models/graph/account.h"
#include "models/graph/recompute.h"
#include "models/program/training_program.h"
#include "models/transformer/transformer.h"

namespace corank {

/// The results that a training loop asks for: losses and the norm of the gradients; at its first
/// step also the gradients, and the logits of the first micro-batch.
struct AskedResults {
  std::set<std::string> each_step, first_step;

  const std::set<std::string>& of_step(std::int64_t step) const {
    return step == 0 ? first_step : each_step;
  }
};

struct TransformerProgram {
  TrainingProgram program;
  StepAccount account;  // of one micro-batch, with the optimizer's moments; peak_bytes of the step
  /// The same of a program that keeps everything; none: this one does.
  std::optional<StepAccount> without_recompute;
  AskedResults asked;
};

/// The backward pass of the loss, and the updates of all trainable values that it depends on. A
/// trained value that it does not depend on (a bias of a layer above a single token, say) has no
/// gradient, and torch's optimizers leave it alone.
TransformerProgram transformer_program(const Transformer& transformer,
                                       const OptimizerSettings& optimizer,
                                       RecomputePolicy recompute = RecomputePolicy::kNone);

/// The loss alone, nothing is updated. `logits`: of every step, not of the first alone.
TransformerProgram forward_program(const Transformer& transformer, bool logits);

}  // namespace corank
