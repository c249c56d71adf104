#include "host/huggingface/adapter_files.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "host/formats/mapped_safetensors.h"
#include "host/formats/safetensors.h"
#include "host/report/write_json.h"
#include "models/base/error.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "base_model.model.";
constexpr const char* kTensorFile = "adapter_model.safetensors";
constexpr const char* kConfigFile = "adapter_config.json";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
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

/// Frozen tensors that PEFT writes into an adapter's file: the base weights of adapted embeddings
/// and heads, and what bias = "all" picks up inside its wrapper of a saved module.
bool is_frozen_copy(const std::string& name) {
  return ends_with(name, ".base_layer.weight") || contains(name, ".original_module.") ||
         ends_with(name, ".modules_to_save.bias");
}

}  // namespace

std::string adapter_tensor_name(const LoraPlan& plan, const std::string& value) {
  const std::string bias = ".bias";
  if (ends_with(value, bias)) {
    const std::string module = value.substr(0, value.size() - bias.size());
    const bool adapted =
        std::any_of(plan.adapters.begin(), plan.adapters.end(),
                    [&](const LoraModule& adapter) { return adapter.module == module; });
    if (adapted) return kPrefix + module + ".base_layer.bias";
  }
  return kPrefix + value;
}

TensorMap read_adapter(const std::string& folder, const LoraPlan& plan,
                       const std::map<std::string, Shape>& trainables) {
  const std::string path = (fs::path(folder) / kTensorFile).string();
  const MappedSafetensors file(path);
  std::map<std::string, const TensorView*> views;
  for (const auto& [name, view] : file.tensors()) views[file_name_of(name)] = &view;

  TensorMap tensors;
  std::set<std::string> used;
  for (const auto& [value, shape] : trainables) {
    const std::string name = adapter_tensor_name(plan, value);
    const std::string expected =
        path + ": tensor '" + name + "': expected shape " + to_string(shape);
    const auto found = views.find(name);
    if (found == views.end()) throw InputError(expected + ", found no such tensor");
    if (found->second->shape != shape)
      throw InputError(expected + ", found " + to_string(found->second->shape));
    tensors.emplace(value, to_f32(*found->second, path + ": tensor '" + name + "'"));
    used.insert(name);
  }
  for (const auto& entry : views)
    if (used.count(entry.first) == 0 && !is_frozen_copy(entry.first))
      throw InputError(path + ": tensor '" + entry.first + "': expected tensors of what " +
                       kConfigFile + " selects only");
  return tensors;
}

void write_adapter(const std::string& folder, const AdapterConfig& config, const LoraPlan& plan,
                   const TensorMap& tensors) {
  const OutputFolder made(folder);
  SafetensorsFile file;
  for (const auto& [value, tensor] : tensors)
    file.tensors[adapter_tensor_name(plan, value)] = tensor;
  write_safetensors((fs::path(folder) / kTensorFile).string(), file);

  // What the user wrote stays as it is, so that PEFT selects the same modules again.
  Json json = config.json;
  json["inference_mode"] = true;  // as PEFT itself writes it
  write_json((fs::path(folder) / kConfigFile).string(), json);
}

}  // namespace corank
