#include "host/train/evaluation.h"

#include <algorithm>
#include <cmath>

namespace corank {

Evaluation evaluation_of(const Batches& batches, const std::vector<double>& losses,
                         std::optional<std::int64_t> correct) {
  Evaluation evaluation;
  double sum = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const std::int64_t labels = kept_labels(batches, static_cast<std::int64_t>(i));
    sum += static_cast<double>(labels) * losses[i];
    evaluation.labels += labels;
  }
  const auto labels = static_cast<double>(evaluation.labels);
  evaluation.loss = sum / labels;
  if (batches.causal) evaluation.perplexity = std::exp(evaluation.loss);
  if (correct) evaluation.accuracy = static_cast<double>(*correct) / labels;
  return evaluation;
}

std::int64_t correct_labels(const Tensor& logits, const Tensor& labels) {
  const std::int64_t classes = logits.shape.back();
  std::int64_t correct = 0;
  for (std::int64_t row = 0; row < element_count(labels.shape); ++row) {
    const auto* first = logits.data<float>() + row * classes;
    const auto largest = std::max_element(first, first + classes) - first;
    correct += largest == labels.data<std::int64_t>()[row];
  }
  return correct;
}

}  // namespace corank
