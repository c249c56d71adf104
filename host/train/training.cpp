#include "host/train/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "host/train/evaluation.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/numerics/convert.h"

namespace corank {
namespace {

/// A result as FP32; numbers too small for a normal one become 0, as in all FP32 arithmetic here.
Tensor as_f32(Tensor tensor) {
  const FloatEnvironment environment;
  return tensor.dtype == DType::F32 ? std::move(tensor) : converted(tensor, DType::F32);
}

double scalar_of(const Tensor& tensor) {
  double scalar = 0;
  widen_elements(tensor, &scalar);
  return scalar;
}

Tensor scalar(float number) {
  Tensor tensor(DType::F32, {1});
  *tensor.data<float>() = number;
  return tensor;
}

/// Share of micro-batch i in the loss of its step; 0 without a label.
double share_of(const Batches& batches, std::int64_t first, std::int64_t count, std::int64_t i) {
  double all = 0;
  const auto weight = [&](std::int64_t j) {
    const auto kept = static_cast<double>(kept_labels(batches, j));
    return batches.causal ? kept : std::min(kept, 1.0);
  };
  for (std::int64_t j = first; j < first + count; ++j) all += weight(j);
  return weight(i) / all;
}

/// What the program of a language model is fed for micro-batch i of the run.
TensorMap batch_of(const Batches& batches, std::optional<std::int64_t> pad_token_id, std::int64_t i,
                   double share) {
  TensorMap values;
  values["input_ids"] = micro_batch(batches.input_ids, i);
  values["attention_mask"] = micro_batch(batches.attention_mask, i);
  values["labels"] = micro_batch(batches.labels, i);
  // Without a label there is no loss; with any other ones it counts for nothing.
  if (share == 0) values["labels"] = Tensor(DType::I64, values["labels"].shape);
  values["token_type_ids"] = micro_batch(batches.token_type_ids, i);
  values["last_tokens"] = last_tokens(values.at("input_ids"), pad_token_id);
  Tensor step(DType::I64, {1});
  *step.data<std::int64_t>() = i;
  values["dropout_step"] = std::move(step);
  values[kShare] = scalar(static_cast<float>(share));
  return values;
}

/// Steps and micro-batches are counted from 1 in messages.
void require_finite(double number, const std::string& what, std::int64_t step,
                    const Batches& batches) {
  if (std::isfinite(number)) return;
  throw TrainingDiverged("the " + what + " of step " + std::to_string(step + 1) + " of " +
                         batches.file + " is " + std::to_string(number) +
                         ": the training diverged");
}

/// One step after the other.
class Training {
 public:
  Training(Executor& executor, const TrainingProgram& program, const AskedResults& asked,
           std::optional<std::int64_t> pad_token_id, const Batches& batches)
      : executor_(executor),
        program_(program),
        asked_(asked),
        pad_token_id_(pad_token_id),
        batches_(batches) {
    for (const Value& value : program_.graph.values) {
      if (is_fed(value)) fed_.insert(value.name);
    }
  }

  /// Returns false if the executor gave it up.
  bool time_step(std::int64_t step, TrainingResult& result) {
    if (execute(step, shares_of(step), result).stopped) return false;
    result.learning_rates.push_back(learning_rate(program_.optimizer, step));
    ++result.steps;
    return true;
  }

  /// The same, with what comes of it.
  bool step(std::int64_t step, TrainingResult& result) {
    const std::int64_t done = result.steps;
    const std::vector<double> shares = shares_of(step);
    ExecutedStep executed = execute(step, shares, result);
    if (executed.stopped) return false;
    if (asked_.each_step.count("logits") > 0)
      result.correct_labels =
          result.correct_labels.value_or(0) +
          correct_labels(as_f32(executed.results.at("logits")), micro_batch(batches_.labels, step));
    if (done == 0) result.first_logits = as_f32(executed.results.at(name_in(0, "logits")));

    double loss = 0;
    for (std::int64_t i = 0; i < accumulate(); ++i) {
      const double share = shares[static_cast<std::size_t>(i)];
      if (share > 0) loss += share * scalar_of(executed.results.at(name_in(i, "loss")));
    }
    require_finite(loss, "loss", step, batches_);
    const double norm = norm_in(executed.results);
    require_finite(norm, "norm of the gradients", step, batches_);
    if (done == 0) keep_gradients(executed.results, result);
    result.losses.push_back(loss);
    result.learning_rates.push_back(learning_rate(program_.optimizer, step));
    result.gradient_norms.push_back(norm);
    ++result.steps;
    return true;
  }

 private:
  /// Of its micro-batches.
  std::vector<double> shares_of(std::int64_t step) const {
    std::vector<double> shares;
    const std::int64_t first = step * accumulate();
    for (std::int64_t i = first; i < first + accumulate(); ++i)
      shares.push_back(share_of(batches_, first, accumulate(), i));
    return shares;
  }

  ExecutedStep execute(std::int64_t step, const std::vector<double>& shares,
                       const TrainingResult& result) {
    TensorMap feeds = optimizer_feeds(program_, step);
    for (std::int64_t i = 0; i < accumulate(); ++i) {
      const double share = shares[static_cast<std::size_t>(i)];
      for (auto& [name, tensor] :
           batch_of(batches_, pad_token_id_, step * accumulate() + i, share)) {
        if (fed_.count(name_in(i, name)) > 0) feeds[name_in(i, name)] = std::move(tensor);
      }
    }
    return executor_.step(feeds, asked_.of_step(result.steps));
  }

  /// 0 where the loss depends on nothing that is trained.
  double norm_in(const TensorMap& results) const {
    return program_.gradient_norm < 0 ? 0 : scalar_of(results.at(kGradientNorm));
  }

  void keep_gradients(TensorMap& results, TrainingResult& result) const {
    const Graph& graph = program_.graph;
    for (const auto& [parameter, gradient] : program_.gradients)
      result.first_gradients[graph.value(parameter).name] =
          as_f32(std::move(results.at(graph.value(gradient).name)));
  }

  std::int64_t accumulate() const { return program_.optimizer.accumulate; }
  std::string name_in(std::int64_t micro_batch, const std::string& name) const {
    return micro_batch_name(name, micro_batch, accumulate());
  }

  Executor& executor_;
  const TrainingProgram& program_;
  const AskedResults& asked_;
  std::optional<std::int64_t> pad_token_id_;
  const Batches& batches_;
  std::set<std::string> fed_;
};

/// One step after the other, as `step` carries one out.
TrainingResult all_steps(Training& training, bool (Training::*step)(std::int64_t, TrainingResult&),
                         std::int64_t first, std::int64_t end,
                         const std::function<void(std::int64_t, double)>& progress) {
  TrainingResult result;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = first; i < end && !result.stopped; ++i) {
    result.stopped = !(training.*step)(i, result);
    if (!result.stopped && progress)
      progress(i + 1, result.losses.empty() ? 0 : result.losses.back());
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace

TrainingResult train(Executor& executor, const TrainingProgram& program, const AskedResults& asked,
                     std::optional<std::int64_t> pad_token_id, const Batches& batches,
                     std::int64_t first_step,
                     const std::function<void(std::int64_t, double)>& progress) {
  Training training(executor, program, asked, pad_token_id, batches);
  return all_steps(training, &Training::step, first_step,
                   batches.count / program.optimizer.accumulate, progress);
}

TrainingResult time_steps(Executor& executor, const TrainingProgram& program,
                          const AskedResults& asked, std::optional<std::int64_t> pad_token_id,
                          const Batches& batches, std::int64_t first_step,
                          const std::function<void(std::int64_t, double)>& progress) {
  Training training(executor, program, asked, pad_token_id, batches);
  return all_steps(training, &Training::time_step, first_step,
                   batches.count / program.optimizer.accumulate, progress);
}

}  // namespace corank
