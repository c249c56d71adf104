// Token batches: one safetensors file with every micro-batch of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/base/tensor.h"

namespace corank {

/// What the batches must fit.
struct BatchLimits {
  std::int64_t vocabulary = 0;
  std::int64_t positions = 0;    // longest sequence; 0: any
  std::int64_t classes = 0;      // 0: causal language modelling
  std::int64_t token_types = 0;  // 0: the model knows none
  std::int64_t accumulate = 1;   // micro-batches of a step
};

struct Batches {
  std::string file;
  std::int64_t count = 0, batch = 0, sequence = 0;
  bool causal = true;
  // I64 [count, batch, sequence]; if absent, the mask is all 1 and the types are all 0
  Tensor input_ids, attention_mask, token_type_ids;
  Tensor labels;  // the same (causal), or I64 [count, batch]
};

/// Reads and checks: input_ids I64 [steps, batch, seq], optional attention_mask of the same shape
/// (0 or 1), for a model with token types optional token_type_ids of the same shape, labels of the
/// same shape (causal) or [steps, batch] (classification); -100 is ignored by the loss. Throws
/// InputError that names file, tensor, place, expected and found: another tensor, dtype or shape,
/// an id outside the vocabulary, a label outside the vocabulary or the classes, micro-batches that
/// do not make whole steps, a step in which every label is ignored, a sequence that is too long.
Batches read_batches(const std::string& path, const BatchLimits& limits);

/// Micro-batch i of a tensor whose first dimension counts micro-batches.
Tensor micro_batch(const Tensor& tensor, std::int64_t i);

/// The row of each sequence of input_ids [batch, seq] that a LLaMA classifies by: b * seq + t, t
/// the last position whose id is not `pad_token_id` (0 if there is none, the last one without such
/// an id), as transformers' GenericForSequenceClassification finds it. I64 [batch].
Tensor last_tokens(const Tensor& input_ids, std::optional<std::int64_t> pad_token_id);

/// Labels that count in the loss of micro-batch i: not -100, and in a causal model not at the first
/// position of a row, which nothing predicts.
std::int64_t kept_labels(const Batches& batches, std::int64_t i);

}  // namespace corank
