#include "host/train/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "host/train/gradients.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/execute.h"

namespace corank {
namespace {

/// A result of the graph, which fp64 keeps in F64.
Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype == DType::F32) return tensor;
  Tensor narrow(DType::F32, tensor.shape);
  auto* out = narrow.data<float>();
  const std::int64_t count = element_count(tensor.shape);
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = tensor.dtype == DType::F64 ? static_cast<float>(tensor.data<double>()[i])
                                        : widen(tensor.data<std::uint16_t>()[i]);
  return narrow;
}

double scalar_of(const Tensor& tensor) {
  return tensor.dtype == DType::F64 ? tensor.data<double>()[0]
                                    : static_cast<double>(as_f32(tensor).data<float>()[0]);
}

/// Micro-batch i as the graph's given values.
void give_batch(const TrainingGraph& training, const Batches& batches, std::int64_t i,
                TensorMap& values) {
  const Graph& graph = training.graph;
  values["input_ids"] = micro_batch(batches.input_ids, i);
  values["attention_mask"] = micro_batch(batches.attention_mask, i);
  values["labels"] = micro_batch(batches.labels, i);
  if (find_value(graph, "token_type_ids"))
    values["token_type_ids"] = micro_batch(batches.token_type_ids, i);
  if (find_value(graph, "last_tokens"))
    values["last_tokens"] = last_tokens(values.at("input_ids"), training.pad_token_id);
  if (find_value(graph, "dropout_step")) {
    Tensor step(DType::I64, {1});
    step.data<std::int64_t>()[0] = i;
    values["dropout_step"] = std::move(step);
  }
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

/// The moments of every trainable value, zero at the start.
struct OptimizerState {
  TensorMap first, second;
};

void update(const OptimizerSettings& settings, double lr, std::int64_t step,
            const std::string& name, const Tensor& gradient, Tensor& parameter,
            OptimizerState& state) {
  const std::int64_t count = element_count(parameter.shape);
  const auto moment = [&](TensorMap& moments) {
    return moments.try_emplace(name, DType::F32, parameter.shape).first->second.data<float>();
  };
  if (settings.name == "sgd") {
    SgdOptions options = settings.sgd;
    options.lr = lr;
    update_sgd(constants_of(options, step), count, gradient.data<float>(), parameter.data<float>(),
               options.momentum == 0 ? nullptr : moment(state.first));
    return;
  }
  AdamWOptions options = settings.adamw;
  options.lr = lr;
  update_adamw(constants_of(options, step), count, gradient.data<float>(), parameter.data<float>(),
               moment(state.first), moment(state.second));
}

/// Steps and micro-batches are counted from 1 in messages.
void require_finite(double number, const std::string& what, std::int64_t step,
                    const Batches& batches) {
  if (std::isfinite(number)) return;
  throw TrainingDiverged("the " + what + " of step " + std::to_string(step + 1) + " of " +
                         batches.file + " is " + std::to_string(number) +
                         ": the training diverged; nothing was written");
}

}  // namespace

int OptimizerSettings::moments() const {
  if (name == "sgd") return sgd.momentum == 0 ? 0 : 1;
  return 2;
}

TrainingResult train(const TrainingGraph& training, Numerics numerics, const Batches& batches,
                     const OptimizerSettings& settings, TensorMap& values,
                     const std::function<void(std::int64_t, double)>& progress,
                     const std::function<bool()>& stop) {
  const std::int64_t steps = batches.count / settings.accumulate;
  const double lr = settings.name == "sgd" ? settings.sgd.lr : settings.adamw.lr;
  TrainingResult result;
  OptimizerState state;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t step = 0; step < steps && !result.stopped; ++step) {
    const std::int64_t first = step * settings.accumulate;
    TensorMap gradients;
    double loss = 0;
    for (std::int64_t i = first; i < first + settings.accumulate; ++i) {
      result.stopped = stop && stop();
      if (result.stopped) break;
      const double share = share_of(batches, first, settings.accumulate, i);
      if (share == 0 && i > 0) continue;  // of the first one the logits are wanted
      give_batch(training, batches, i, values);
      if (share == 0) values["labels"] = Tensor(DType::I64, values["labels"].shape);  // any will do
      const ExecuteFigures figures = execute(training.graph, numerics, values);
      result.peak_bytes = std::max(result.peak_bytes, figures.peak_bytes);
      if (i == 0) result.first_logits = as_f32(values.at("logits"));
      if (share == 0) continue;
      loss += share * scalar_of(values.at("loss"));
      TensorMap micro;
      for (const auto& [trainable, gradient] : training.gradients)
        micro.emplace(trainable, as_f32(values.at(gradient)));
      const FloatEnvironment environment;
      accumulate(gradients, micro, share);
    }
    if (result.stopped) break;
    require_finite(loss, "loss", step, batches);
    if (step == 0) result.first_gradients = gradients;

    const double norm = global_norm(gradients);
    require_finite(norm, "norm of the gradients", step, batches);
    const FloatEnvironment environment;
    if (settings.clip_norm > 0) clip_global_norm(gradients, settings.clip_norm);
    const double rate = lr * schedule_factor(settings.schedule, step);
    for (const auto& [name, gradient] : gradients)
      update(settings, rate, step + 1, name, gradient, values.at(name), state);

    result.losses.push_back(loss);
    result.learning_rates.push_back(rate);
    result.gradient_norms.push_back(norm);
    if (progress) progress(step + 1, loss);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const TensorMap* moments : {&state.first, &state.second})
    for (const auto& entry : *moments)
      result.peak_bytes += static_cast<std::int64_t>(entry.second.bytes.size());
  return result;
}

}  // namespace corank
