#include "host/train/batches.h"

#include <cstring>
#include <utility>

#include "host/formats/safetensors.h"
#include "models/base/error.h"

namespace corank {
namespace {

constexpr std::int64_t kIgnored = -100;  // torch.nn.CrossEntropyLoss's ignore_index

Tensor take(const SafetensorsFile& file, const std::string& path, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end())
    throw InputError(path + ": expected the tensor '" + name + "', found no such tensor");
  if (found->second.dtype != DType::I64)
    throw InputError(path + ": tensor '" + name + "': expected I64, found " +
                     name_of(found->second.dtype));
  return found->second;
}

void require_shape(const Tensor& tensor, const std::string& path, const std::string& name,
                   const Shape& shape) {
  if (tensor.shape != shape)
    throw InputError(path + ": tensor '" + name + "': expected shape " + to_string(shape) +
                     ", found " + to_string(tensor.shape));
}

/// "[2, 0, 5]" of element i.
std::string place(const Shape& shape, std::int64_t i) {
  Shape index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = i % shape[d];
    i /= shape[d];
  }
  return to_string(index);
}

/// Every element is in [least, below) or, if allowed, -100.
void require_range(const Tensor& tensor, const std::string& path, const std::string& name,
                   std::int64_t below, bool may_be_ignored, const std::string& what) {
  const auto* elements = tensor.data<std::int64_t>();
  const std::int64_t count = element_count(tensor.shape);
  for (std::int64_t i = 0; i < count; ++i) {
    if ((elements[i] >= 0 && elements[i] < below) || (may_be_ignored && elements[i] == kIgnored))
      continue;
    throw InputError(path + ": tensor '" + name + "' at " + place(tensor.shape, i) + ": expected " +
                     what + " from 0 to " + std::to_string(below - 1) +
                     (may_be_ignored ? ", or -100" : "") + ", found " +
                     std::to_string(elements[i]));
  }
}

}  // namespace

Batches read_batches(const std::string& path, const BatchLimits& limits) {
  const SafetensorsFile file = read_safetensors(path);
  for (const auto& entry : file.tensors)
    if (entry.first != "input_ids" && entry.first != "attention_mask" && entry.first != "labels")
      throw InputError(path +
                       ": expected the tensors input_ids, attention_mask and labels only, "
                       "found '" +
                       entry.first + "'");
  Batches batches;
  batches.file = path;
  batches.input_ids = take(file, path, "input_ids");
  const Shape shape = batches.input_ids.shape;
  if (shape.size() != 3 || element_count(shape) == 0)
    throw InputError(path + ": tensor 'input_ids': expected shape [steps, batch, seq], found " +
                     to_string(shape));
  batches.count = shape[0];
  batches.batch = shape[1];
  batches.sequence = shape[2];
  batches.causal = limits.classes == 0;
  require_range(batches.input_ids, path, "input_ids", limits.vocabulary, false,
                "an id of the vocabulary,");
  if (limits.positions > 0 && batches.sequence > limits.positions)
    throw InputError(path + ": tensor 'input_ids': expected at most " +
                     std::to_string(limits.positions) + " positions, those of the model, found " +
                     std::to_string(batches.sequence));
  if (batches.causal && batches.sequence < 2)
    throw InputError(path +
                     ": tensor 'input_ids': expected sequences of at least 2 tokens (each "
                     "predicts the next one), found " +
                     std::to_string(batches.sequence));

  if (file.tensors.count("attention_mask") != 0) {
    batches.attention_mask = take(file, path, "attention_mask");
    require_shape(batches.attention_mask, path, "attention_mask", shape);
    require_range(batches.attention_mask, path, "attention_mask", 2, false, "a mask,");
  } else {
    batches.attention_mask = Tensor(DType::I64, shape);
    auto* mask = batches.attention_mask.data<std::int64_t>();
    for (std::int64_t i = 0; i < element_count(shape); ++i) mask[i] = 1;
  }

  batches.labels = take(file, path, "labels");
  require_shape(batches.labels, path, "labels",
                batches.causal ? shape : Shape{batches.count, batches.batch});
  require_range(batches.labels, path, "labels", batches.causal ? limits.vocabulary : limits.classes,
                true, batches.causal ? "an id of the vocabulary," : "a class,");
  for (std::int64_t i = 0; i < batches.count; ++i)
    if (kept_labels(batches, i) == 0)
      throw InputError(path + ": tensor 'labels': every label of micro-batch " + std::to_string(i) +
                       " is -100" + (batches.causal ? " or at the first position of its row" : "") +
                       "; expected one that counts, without which there is no loss");
  return batches;
}

Tensor micro_batch(const Tensor& tensor, std::int64_t i) {
  Tensor part(tensor.dtype, Shape(tensor.shape.begin() + 1, tensor.shape.end()));
  std::memcpy(part.bytes.data(),
              tensor.bytes.data() + static_cast<std::size_t>(i) * part.bytes.size(),
              part.bytes.size());
  return part;
}

Tensor last_tokens(const Tensor& input_ids, std::optional<std::int64_t> pad_token_id) {
  const std::int64_t batch = input_ids.shape.at(0), sequence = input_ids.shape.at(1);
  const auto* ids = input_ids.data<std::int64_t>();
  Tensor last(DType::I64, {batch});
  for (std::int64_t b = 0; b < batch; ++b) {
    std::int64_t t = sequence - 1;
    while (t > 0 && ids[b * sequence + t] == pad_token_id) --t;
    last.data<std::int64_t>()[b] = b * sequence + t;
  }
  return last;
}

std::int64_t kept_labels(const Batches& batches, std::int64_t i) {
  const Tensor labels = micro_batch(batches.labels, i);
  const auto* elements = labels.data<std::int64_t>();
  std::int64_t kept = 0;
  for (std::int64_t j = 0; j < element_count(labels.shape); ++j)
    if (elements[j] != kIgnored && !(batches.causal && j % batches.sequence == 0)) ++kept;
  return kept;
}

}  // namespace corank
