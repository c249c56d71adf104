#include "host/train/batches.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

constexpr std::int64_t kIgnored = -100;  // torch.nn.CrossEntropyLoss's ignore_index

Tensor take(const SafetensorsFile& file, const std::string& path, const std::string& name) {
  const auto found = file.tensors.find(name);
  const auto other = file.others.find(name);
  if (found == file.tensors.end() && other == file.others.end())
    throw InputError(path + ": expected the tensor '" + name + "', found no such tensor");
  const std::string dtype =
      found == file.tensors.end() ? other->second : name_of(found->second.dtype);
  if (dtype != name_of(DType::I64))
    throw InputError(path + ": tensor '" + name + "': expected I64, found " + dtype);
  return found->second;
}

/// No tensor of the file is passed over.
void require_known_names(const SafetensorsFile& file, const std::string& path, bool has_types) {
  std::vector<std::string> names;
  for (const auto& entry : file.tensors) names.push_back(entry.first);
  for (const auto& entry : file.others) names.push_back(entry.first);
  for (const std::string& name : names) {
    if (name == "input_ids" || name == "attention_mask" || name == "labels") continue;
    if (name == "token_type_ids" && has_types) continue;
    throw InputError(path + ": expected the tensors input_ids, attention_mask" +
                     (has_types ? ", token_type_ids" : "") + " and labels only, found " +
                     quote(name));
  }
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

/// An optional tensor of the shape of input_ids with elements from 0 to below `below`; all
/// `preset` where it is absent.
Tensor take_optional(const SafetensorsFile& file, const std::string& path, const std::string& name,
                     const Shape& shape, std::int64_t below, const std::string& what,
                     std::int64_t preset) {
  if (file.tensors.count(name) != 0 || file.others.count(name) != 0) {
    Tensor tensor = take(file, path, name);
    require_shape(tensor, path, name, shape);
    require_range(tensor, path, name, below, false, what);
    return tensor;
  }
  Tensor tensor(DType::I64, shape);
  std::fill_n(tensor.data<std::int64_t>(), element_count(shape), preset);
  return tensor;
}

Tensor take_ids(const SafetensorsFile& file, const std::string& path, const BatchLimits& limits) {
  Tensor ids = take(file, path, "input_ids");
  if (ids.shape.size() != 3 || element_count(ids.shape) == 0)
    throw InputError(path + ": tensor 'input_ids': expected shape [steps, batch, seq], found " +
                     to_string(ids.shape));
  require_range(ids, path, "input_ids", limits.vocabulary, false, "an id of the vocabulary,");
  const std::int64_t sequence = ids.shape[2];
  if (limits.positions > 0 && sequence > limits.positions)
    throw InputError(path + ": tensor 'input_ids': expected at most " +
                     std::to_string(limits.positions) + " positions, those of the model, found " +
                     std::to_string(sequence));
  if (limits.classes == 0 && sequence < 2)
    throw InputError(path +
                     ": tensor 'input_ids': expected sequences of at least 2 tokens (each "
                     "predicts the next one), found " +
                     std::to_string(sequence));
  return ids;
}

/// Whole steps, in each of which a label counts.
void require_steps(const Batches& batches, std::int64_t accumulate) {
  if (batches.count % accumulate != 0)
    throw InputError(batches.file + ": expected a multiple of " + std::to_string(accumulate) +
                     " micro-batches, because workload.optimizer.accumulate makes as many one "
                     "step, found " +
                     std::to_string(batches.count));
  for (std::int64_t first = 0; first < batches.count; first += accumulate) {
    std::int64_t kept = 0;
    for (std::int64_t i = first; i < first + accumulate; ++i) kept += kept_labels(batches, i);
    if (kept > 0) continue;
    const std::string which = accumulate == 1
                                  ? "micro-batch " + std::to_string(first)
                                  : "micro-batches " + std::to_string(first) + " to " +
                                        std::to_string(first + accumulate - 1) + ", one step,";
    throw InputError(batches.file + ": tensor 'labels': every label of " + which + " is -100" +
                     (batches.causal ? " or at the first position of its row" : "") +
                     "; expected one that counts, without which there is no loss");
  }
}

}  // namespace

Batches read_batches(const std::string& path, const BatchLimits& limits) {
  const SafetensorsFile file = read_safetensors(path);
  require_known_names(file, path, limits.token_types > 0);
  Batches batches;
  batches.file = path;
  batches.causal = limits.classes == 0;
  batches.input_ids = take_ids(file, path, limits);
  const Shape shape = batches.input_ids.shape;
  batches.count = shape[0];
  batches.batch = shape[1];
  batches.sequence = shape[2];
  batches.attention_mask = take_optional(file, path, "attention_mask", shape, 2, "a mask,", 1);
  batches.token_type_ids = take_optional(file, path, "token_type_ids", shape, limits.token_types,
                                         "a token type of the model,", 0);
  batches.labels = take(file, path, "labels");
  require_shape(batches.labels, path, "labels",
                batches.causal ? shape : Shape{batches.count, batches.batch});
  require_range(batches.labels, path, "labels", batches.causal ? limits.vocabulary : limits.classes,
                true, batches.causal ? "an id of the vocabulary," : "a class,");
  require_steps(batches, limits.accumulate);
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
