#include "host/huggingface/adapter_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "host/formats/input_file.h"
#include "host/formats/mapped_safetensors.h"
#include "host/formats/safetensors.h"
#include "host/report/write_json.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenAdapter = ".token_adapter";
constexpr const char* kTensorFile = "adapter_model.safetensors";
constexpr const char* kConfigFile = "adapter_config.json";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// PEFT's name at run time -> its name in the file.
std::string file_name_of(std::string name) {
  for (const std::string part : {".modules_to_save.default", ".default"}) {
    const std::size_t at = name.find(part + ".");
    if (at != std::string::npos) return name.erase(at, part.size());
    if (ends_with(name, part)) return name.erase(name.size() - part.size());
  }
  return name;
}

/// In the file.
FileTensor kept_tensor(const AdapterPlan& plan, const Graph& graph, const std::string& name) {
  return adapter_tensor(plan, graph.value(*find_value(graph, name)));
}

/// Tensors that PEFT writes and does not read: the original of a saved module, and what bias =
/// "all" and save_embedding_layers pick up inside its wrapper.
bool is_unused_copy(const std::string& name) {
  return contains(name, ".original_module.") || contains(name, ".modules_to_save.");
}

bool is_adapted(const AdapterPlan& plan, const std::string& module) {
  return std::find(plan.adapted.begin(), plan.adapted.end(), module) != plan.adapted.end();
}

bool has_trained_tokens(const AdapterPlan& plan, const std::string& module) {
  const std::vector<TrainableTokens>& all = plan.parameters.trainable_tokens;
  return std::any_of(all.begin(), all.end(),
                     [&](const TrainableTokens& tokens) { return tokens.module == module; });
}

/// The embedding whose trained tokens a tied head reads, too.
const Module* followed_embedding(const Transformer& transformer, const AdapterPlan& plan,
                                 const Module& head) {
  if (head.kind != ModuleKind::kLinear || has_trained_tokens(plan, head.name)) return nullptr;
  for (const Module& other : transformer.modules)
    if (other.kind == ModuleKind::kEmbedding && other.weight == head.weight &&
        has_trained_tokens(plan, other.name))
      return &other;
  return nullptr;
}

/// PEFT's name of a module inside its wrapper.
std::string wrapped_name(const Transformer& transformer, const AdapterPlan& plan,
                         const Module& module) {
  if (is_adapted(plan, module.name)) return kFilePrefix + module.name + ".base_layer";
  if (has_trained_tokens(plan, module.name) || followed_embedding(transformer, plan, module))
    return kFilePrefix + module.name + kTokenAdapter + ".base_layer";
  return kFilePrefix + module.name;
}

void require_tensor_file(const std::string& folder) {
  const fs::path root(folder);
  if (is_there(root / kTensorFile) || !is_there(root / "adapter_model.bin")) return;
  throw InputError(folder + ": expected " + kTensorFile +
                   ", found adapter_model.bin, a pickle of PyTorch's, which older versions of PEFT "
                   "wrote; PEFT makes safetensors of it: "
                   "PeftModel.from_pretrained(MODEL, FOLDER).save_pretrained(NEW_FOLDER)");
}

using Views = std::map<std::string, const TensorView*>;

[[noreturn]] void refuse_missing(const std::string& path, const FileTensor& wanted) {
  throw InputError(path + ": tensor " + quote(wanted.name) + ": expected shape " +
                   to_string(wanted.shape) + ", found no such tensor");
}

/// The tensor of this name and shape, taken out of `views`.
Tensor take_trained(const std::string& path, const FileTensor& wanted, Views& views) {
  const auto& [name, shape] = wanted;
  const std::string tensor = path + ": tensor " + quote(name);
  const auto found = views.find(name);
  if (found == views.end()) refuse_missing(path, wanted);
  if (found->second->shape != shape)
    throw InputError(tensor + ": expected shape " + to_string(shape) + ", found " +
                     to_string(found->second->shape));
  Tensor taken = to_f32(*found->second, tensor);
  views.erase(found);
  return taken;
}

/// A tensor that must replace a frozen parameter.
FrozenTensor read_frozen(const std::string& path, const std::string& name, const TensorView& view,
                         const std::map<std::string, std::string>& frozen, const Graph& graph) {
  const std::string tensor = path + ": tensor " + quote(name);
  const auto value = frozen.find(name);
  if (value == frozen.end())
    throw InputError(tensor + ": expected tensors of what " + kConfigFile +
                     " selects, or a parameter of the model, only");
  const Shape& shape = graph.value(*find_value(graph, value->second)).shape;
  if (view.shape != shape)
    throw InputError(tensor + ": expected shape " + to_string(shape) +
                     ", that of the model, found " + to_string(view.shape));
  to_f32({view.type, {0}, view.data}, tensor);  // of no element: it refuses a dtype
  return {value->second, copy_of(view, tensor)};
}

/// save_embedding_layers writes the trained tokens of a tied embedding by the head's name as well.
void drop_followed_tokens(const std::string& path, const Transformer& transformer,
                          const AdapterPlan& plan, const TensorMap& trained, Views& views) {
  const std::string delta = std::string(kTokenAdapter) + ".trainable_tokens_delta";
  for (const Module& head : transformer.modules) {
    const Module* embedding = followed_embedding(transformer, plan, head);
    const auto found = views.find(kFilePrefix + head.name + delta);
    if (embedding == nullptr || found == views.end()) continue;
    const std::string tensor = path + ": tensor " + quote(found->first);
    if (to_f32(*found->second, tensor).bytes != trained.at(embedding->name + delta).bytes)
      throw InputError(tensor + ": expected the elements of those of " + quote(embedding->name) +
                       ", because config.json ties the two, found others");
    views.erase(found);
  }
}

/// Both names of a tied pair mean one value.
void require_one_value(const std::string& path, const FrozenTensors& frozen) {
  std::map<std::string, std::pair<std::string, const Tensor*>> seen;
  for (const auto& [name, given] : frozen) {
    const auto [other, first] = seen.emplace(given.value, std::make_pair(name, &given.tensor));
    if (!first && other->second.second->bytes != given.tensor.bytes)
      throw InputError(path + ": tensor " + quote(name) + ": expected the elements of " +
                       quote(other->second.first) +
                       ", because config.json ties the two, found others");
  }
}

/// The same elements in another shape.
Tensor reshaped(Tensor tensor, const Shape& shape) {
  tensor.shape = shape;
  return tensor;
}

}  // namespace

FileTensor adapter_tensor(const AdapterPlan& plan, const Value& value) {
  FileTensor tensor{kFilePrefix + value.name, value.shape};
  const std::string bias = ".bias";
  if (ends_with(value.name, bias)) {
    const std::string module = value.name.substr(0, value.name.size() - bias.size());
    if (is_adapted(plan, module)) tensor.name = kFilePrefix + module + ".base_layer.bias";
  }
  if (plan.method->to_file != nullptr) plan.method->to_file(value, plan, tensor);
  return tensor;
}

TensorMap adapter_tensors(const AdapterPlan& plan, const TensorMap& by_value) {
  TensorMap by_name;
  for (const auto& [value, tensor] : by_value) {
    const FileTensor named =
        adapter_tensor(plan, {value, tensor.shape, tensor.dtype, Role::kTrainable});
    by_name[named.name] = reshaped(tensor, named.shape);
  }
  return by_name;
}

std::map<std::string, std::string> frozen_tensor_names(const Transformer& transformer,
                                                       const AdapterPlan& plan) {
  std::map<std::string, std::string> names;
  for (const Module& module : transformer.modules) {
    const auto add = [&](ValueId id, const char* parameter) {
      const Value& value = transformer.graph.value(id);
      if (value.role == Role::kFrozen)
        names[wrapped_name(transformer, plan, module) + parameter] = value.name;
    };
    add(module.weight, ".weight");
    if (module.bias) add(*module.bias, ".bias");
  }
  for (const std::string& kept : plan.kept)
    names[kept_tensor(plan, transformer.graph, kept).name] = kept;
  return names;
}

AdapterTensors read_adapter(const std::string& folder, const AdapterPlan& plan,
                            const Transformer& transformer) {
  require_tensor_file(folder);
  const std::string path = (fs::path(folder) / kTensorFile).string();
  const MappedSafetensors file(path);
  Views views;
  for (const auto& [name, view] : file.tensors())
    if (!views.emplace(file_name_of(name), &view).second)
      throw InputError(path + ": tensor " + quote(file_name_of(name)) +
                       " is there twice, by its name in a file and by that at run time");

  AdapterTensors tensors;
  for (const Value& value : transformer.graph.values) {
    if (value.role != Role::kTrainable) continue;
    Tensor taken = take_trained(path, adapter_tensor(plan, value), views);
    tensors.trained.emplace(value.name, reshaped(std::move(taken), value.shape));
  }
  drop_followed_tokens(path, transformer, plan, tensors.trained, views);
  const std::map<std::string, std::string> frozen = frozen_tensor_names(transformer, plan);
  for (const auto& [name, view] : views)
    if (!is_unused_copy(name))
      tensors.frozen.emplace(name, read_frozen(path, name, *view, frozen, transformer.graph));
  for (const std::string& kept : plan.kept) {
    const FileTensor wanted = kept_tensor(plan, transformer.graph, kept);
    if (tensors.frozen.count(wanted.name) == 0) refuse_missing(path, wanted);
  }
  require_one_value(path, tensors.frozen);
  return tensors;
}

void write_adapter(const std::string& folder, const AdapterConfig& config, const AdapterPlan& plan,
                   const TensorMap& trained, const FrozenTensors& frozen) {
  const OutputFolder made(folder);
  SafetensorsFile file{adapter_tensors(plan, trained), {}};
  for (const auto& [name, given] : frozen) file.tensors[name] = given.tensor;
  write_safetensors((fs::path(folder) / kTensorFile).string(), file);

  // What the user wrote stays as it is, so that PEFT selects the same modules again.
  Json json = config.json;
  json["inference_mode"] = true;  // as PEFT itself writes it
  write_json((fs::path(folder) / kConfigFile).string(), json);
}

}  // namespace corank
