// The training loop: one graph of forward and backward ops, executed for every micro-batch; between
// steps the optimizer works on the FP32 masters.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/train/batches.h"
#include "host/train/schedule.h"
#include "models/graph/graph.h"
#include "models/numerics/numerics.h"
#include "models/ops/adamw.h"
#include "models/ops/sgd.h"

namespace corank {

struct OptimizerSettings {
  std::string name = "adamw";  // "adamw", "sgd"
  AdamWOptions adamw;          // of either, the one that `name` means counts
  SgdOptions sgd;
  Schedule schedule;
  double clip_norm = 0;         // largest global norm of a step's gradients; 0: no clipping
  std::int64_t accumulate = 1;  // micro-batches of a step

  /// FP32 moments for each trained element: 2, 1 or 0.
  int moments() const;
};

/// What is trained: forward and backward ops in one graph.
struct TrainingGraph {
  Graph graph;
  std::map<std::string, std::string> gradients;  // trainable value -> value of its gradient
  std::optional<std::int64_t> pad_token_id;      // of the model: where its sequences end
};

struct TrainingResult {
  std::vector<double> losses;          // of each step, before its update
  std::vector<double> learning_rates;  // of each step
  std::vector<double> gradient_norms;  // of each step, before clipping
  TensorMap first_gradients;           // of the first step, before clipping; F32 by trainable value
  Tensor first_logits;                 // of the first micro-batch, F32
  std::int64_t peak_bytes = 0;         // as execute() measured it, and the optimizer's moments
  double seconds = 0;                  // wall time of all steps
  bool stopped = false;                // before the last step; the steps done count
};

/// A loss or a gradient that is not finite. The run ends with exit code 1.
class TrainingDiverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs batches.count / accumulate steps. `values` holds the parameters by name; its trainable ones
/// (F32) hold the trained elements at the end. `progress` is called after each step with the number
/// of steps done and the loss. `stop` is asked before each micro-batch whether to end early, with
/// the steps done by then.
///
/// As transformers' Trainer does it, the loss of a causal step is the mean over all targets of its
/// micro-batches, the one of a classification step the mean of their means. A micro-batch without a
/// label counts for nothing.
///
/// `batches` were read for the same number of micro-batches a step. Throws TrainingDiverged.
TrainingResult train(const TrainingGraph& training, Numerics numerics, const Batches& batches,
                     const OptimizerSettings& settings, TensorMap& values,
                     const std::function<void(std::int64_t, double)>& progress = nullptr,
                     const std::function<bool()>& stop = nullptr);

}  // namespace corank
