#include "host/run/training_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "models/base/error.h"

namespace corank {
namespace {

constexpr const char* kSteps = "steps";
constexpr const char* kAdapterDigest = "adapter";

/// FNV-1a, 64 bits (Fowler, Noll, Vo), of tensors with their names and shapes.
class Digest {
 public:
  void add(const std::string& text) { add(text.data(), text.size()); }
  void add(const std::string& name, const Tensor& tensor) {
    add(name + to_string(tensor.shape) + name_of(tensor.dtype));
    add_pieces(tensor.bytes.data(), tensor.bytes.size());
  }
  void add(const std::string& name, const QuantizedTensor& tensor) {
    add(name + to_string(tensor.shape) + to_string(tensor.format));
    add_pieces(tensor.codes.data(), tensor.codes.size());
    add_pieces(tensor.scales.bytes.data(), tensor.scales.bytes.size());
  }
  std::string text() const { return fmt::format("{:016x}", hash_); }

 private:
  /// Of a large tensor its beginning, middle and end.
  void add_pieces(const void* elements, std::size_t size) {
    constexpr std::size_t kPiece = 1 << 14;
    const auto* bytes = static_cast<const char*>(elements);
    if (size <= 3 * kPiece) return add(bytes, size);
    for (const std::size_t begin : {std::size_t{0}, size / 2, size - kPiece})
      add(bytes + begin, kPiece);
  }
  void add(const char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      hash_ = (hash_ ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3;
  }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

std::string text_of(const OptimizerSettings& settings) {
  std::string text;
  if (settings.kind == OptimizerKind::kSgd) {
    const SgdOptions& o = settings.sgd;
    text = fmt::format("sgd, lr {}, weight_decay {}, momentum {}, dampening {}, nesterov {}", o.lr,
                       o.weight_decay, o.momentum, o.dampening, o.nesterov);
  } else {
    const AdamWOptions& o = settings.adamw;
    text = fmt::format("adamw, lr {}, betas {} {}, eps {}, weight_decay {}", o.lr, o.beta1, o.beta2,
                       o.eps, o.weight_decay);
  }
  if (settings.lora_plus.ratio != 0)
    text += fmt::format(", LoRA+ ratio {}, embedding_lr {}", settings.lora_plus.ratio,
                        settings.lora_plus.embedding_lr);
  return text + fmt::format(", {} schedule of {} steps, {} to warm up, clip_norm {}, accumulate {}",
                            name_of(settings.schedule.kind), settings.schedule.total,
                            settings.schedule.warmup, settings.clip_norm, settings.accumulate);
}

std::string digest_of_adapter(const PreparedFinetune& prepared, const TensorMap& values) {
  Digest digest;
  for (const std::string& name : prepared.trained) digest.add(name, values.at(name));
  return digest.text();
}

/// What the identities call these.
std::string in_words(const std::string& key) {
  if (key == "model") return "another model than workload.model, or of other numerics";
  if (key == "batches") return "other batches than workload.batches";
  return "another run: " + key;
}

std::int64_t steps_in(const std::string& path, const SafetensorsFile& file) {
  const auto found = file.metadata.find(kSteps);
  std::int64_t steps = 0;
  if (found != file.metadata.end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
    if (error != std::errc() || end != text.data() + text.size()) steps = 0;
  }
  if (steps < 1)
    throw InputError(path +
                     ": expected a state.safetensors of corank, whose metadata has the number of "
                     "steps; found none");
  return steps;
}

void check_identity(const std::string& path, const SafetensorsFile& file,
                    const std::map<std::string, std::string>& identity) {
  for (const auto& [key, expected] : identity) {
    const auto found = file.metadata.find(key);
    const std::string text = found == file.metadata.end() ? "nothing" : found->second;
    if (text != expected)
      throw InputError(path + ": is the state of " + in_words(key) + "; expected " + expected +
                       ", found " + text);
  }
}

}  // namespace

std::map<std::string, std::string> identity_of(const PreparedFinetune& prepared,
                                               const OptimizerSettings& settings,
                                               std::uint64_t seed) {
  Digest model, batches;
  for (const Value& value : prepared.program.graph.values) {
    if (value.role != Role::kFrozen) continue;
    if (value.storage) {
      model.add(value.name, prepared.packed.at(value.name));
    } else {
      model.add(value.name, prepared.values.at(value.name));
    }
  }
  const Batches& b = prepared.batches;
  for (const auto& [name, tensor] : {std::pair{"input_ids", &b.input_ids},
                                     {"attention_mask", &b.attention_mask},
                                     {"token_type_ids", &b.token_type_ids},
                                     {"labels", &b.labels}})
    batches.add(name, *tensor);
  return {{"method", prepared.report.method},
          {"optimizer", text_of(settings)},
          {"seed", std::to_string(seed)},
          {"model", model.text()},
          {"batches", batches.text()}};
}

SafetensorsFile state_file(const PreparedFinetune& prepared, const TensorMap& states,
                           std::int64_t steps_done) {
  SafetensorsFile file;
  file.metadata = prepared.identity;
  file.metadata[kSteps] = std::to_string(steps_done);
  file.metadata[kAdapterDigest] = digest_of_adapter(prepared, states);
  for (const auto& [name, tensor] : states)
    if (prepared.trained.count(name) == 0) file.tensors[name] = tensor;
  return file;
}

void go_on_from(const std::string& path, PreparedFinetune& prepared) {
  SafetensorsFile file = read_safetensors(path);
  const std::int64_t steps = steps_in(path, file);
  check_identity(path, file, prepared.identity);
  if (file.metadata[kAdapterDigest] != digest_of_adapter(prepared, prepared.values))
    throw InputError(path + ": is the state of another adapter than workload.adapter");
  for (const Value& value : prepared.program.graph.values) {
    if (value.role != Role::kState) continue;
    const auto found = file.tensors.find(value.name);
    if (found == file.tensors.end())
      throw InputError(path + ": tensor '" + value.name + "': expected, found no such tensor");
    if (found->second.dtype != value.dtype || found->second.shape != value.shape)
      throw InputError(path + ": tensor '" + value.name + "': expected " + name_of(value.dtype) +
                       " " + to_string(value.shape) + ", found " + name_of(found->second.dtype) +
                       " " + to_string(found->second.shape));
    prepared.values[value.name] = std::move(found->second);
  }
  if (steps >= prepared.steps)
    throw InputError(
        fmt::format("{}: expected a state with steps left to do; found one after {} of {} steps",
                    path, steps, prepared.steps));
  prepared.first_step = steps;
  prepared.steps -= steps;
  prepared.report.steps_before = steps;
}

}  // namespace corank
