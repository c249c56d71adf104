// What forward passes over token batches say of a model and its adapter.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/train/batches.h"

namespace corank {

struct Evaluation {
  std::int64_t labels = 0;           // that count (kept_labels())
  double loss = 0;                   // the mean over them
  std::optional<double> perplexity;  // of a causal model: e^loss
  std::optional<double> accuracy;    // of a classification: the share of labels that were found
};

/// `losses` are those of the first micro-batches, each the mean over its labels; of these labels so
/// many are `correct`. One loss at least.
Evaluation evaluation_of(const Batches& batches, const std::vector<double>& losses,
                         std::optional<std::int64_t> correct);

/// Labels [batch] that are the index of the largest of their logits [batch, classes], F32, the
/// first one of equals; -100 never is.
std::int64_t correct_labels(const Tensor& logits, const Tensor& labels);

}  // namespace corank
