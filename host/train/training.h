// The training loop over token batches: what each step of a program is fed, and what comes of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "host/train/batches.h"
#include "models/program/executor.h"
#include "models/program/transformer_program.h"

namespace corank {

struct TrainingResult {
  std::int64_t steps = 0;              // that came to their end
  std::vector<double> losses;          // of each step, before its update
  std::vector<double> learning_rates;  // of each step
  std::vector<double> gradient_norms;  // of each step, before clipping
  TensorMap first_gradients;           // of the first step, before clipping; F32 by trainable value
  Tensor first_logits;                 // of the first micro-batch, F32
  std::optional<std::int64_t> correct_labels;  // where every step is asked for its logits
  double seconds = 0;                          // wall time of all steps
  bool stopped = false;                        // before the last step; the steps done count
};

/// A loss or a gradient that is not finite. The run ends with exit code 1.
class TrainingDiverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs the steps of the program, batches.count / accumulate of them, from `first_step` on, on an
/// executor that has loaded its values as the steps before have left them.
/// `pad_token_id` is that of the model: where its sequences end. `progress` is called after each
/// step with the number of steps done, those before `first_step` among them, and the loss. Ends
/// early, with the steps done by then, where the executor gives a step up.
///
/// As transformers' Trainer does it, the loss of a causal step is the mean over all targets of its
/// micro-batches, the one of a classification step the mean of their means. A micro-batch without a
/// label counts for nothing: its share is 0.
///
/// `batches` were read for the same number of micro-batches a step. Throws TrainingDiverged.
TrainingResult train(Executor& executor, const TrainingProgram& program, const AskedResults& asked,
                     std::optional<std::int64_t> pad_token_id, const Batches& batches,
                     std::int64_t first_step = 0,
                     const std::function<void(std::int64_t, double)>& progress = nullptr);

/// The same on an executor without values, which has nothing but the time of it: no losses, no
/// gradients. The loss that `progress` is called with is 0.
TrainingResult time_steps(Executor& executor, const TrainingProgram& program,
                          const AskedResults& asked, std::optional<std::int64_t> pad_token_id,
                          const Batches& batches, std::int64_t first_step,
                          const std::function<void(std::int64_t, double)>& progress);

}  // namespace corank
