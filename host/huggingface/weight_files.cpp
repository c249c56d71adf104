#include "host/huggingface/weight_files.h"

#include <filesystem>

#include "host/formats/input_file.h"
#include "host/huggingface/json_object.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

/// What else stands in a folder of weights, and how it becomes what corank reads.
std::string other_weights(const fs::path& root) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (is_there(root / name))
      return std::string(name) +
             ", a pickle of PyTorch's; transformers makes safetensors of it: "
             "AutoModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER), with the class that "
             "config.json names";
  for (const char* name : {"tf_model.h5", "flax_model.msgpack", "consolidated.00.pth"})
    if (is_there(root / name)) return std::string(name) + ", weights of another library";
  return "neither";
}

/// transformers' renaming of the checkpoints that came from TensorFlow (conversion_mapping.py,
/// "legacy").
std::string name_today(std::string name) {
  const auto rename = [&name](const std::string& old, const std::string& today) {
    const std::size_t at = name.find(old);
    if (at != std::string::npos) name.replace(at, old.size(), today);
  };
  rename("LayerNorm.gamma", "LayerNorm.weight");
  rename("LayerNorm.beta", "LayerNorm.bias");
  return name;
}

void require_file_name(const JsonObject& map, const std::string& tensor, const std::string& shard) {
  for (const char byte : shard)
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F)
      throw InputError(map.where() + ": " + quote(tensor) +
                       ": expected the name of a file, found " + quote(shard) + " with the byte " +
                       printable(std::string(1, byte), 8) + " in it");
  if (shard.empty() || fs::path(shard).filename() != shard || shard == "." || shard == "..")
    map.refuse(tensor, "the name of a file in the same folder");
}

}  // namespace

WeightFiles::WeightFiles(const std::string& folder) {
  const fs::path root(folder);
  if (is_there(root / kSingleFile)) {
    where_ = (root / kSingleFile).string();
    const auto file = files_.emplace(kSingleFile, MappedSafetensors(where_)).first;
    for (const auto& [name, view] : file->second.tensors()) add(name, view);
    return;
  }
  if (!is_there(root / kIndexFile))
    throw InputError(folder + ": expected " + kSingleFile + " or " + kIndexFile + ", found " +
                     other_weights(root));
  read_index(folder);
}

void WeightFiles::add(const std::string& name, const TensorView& view) {
  const std::string today = name_today(name);
  if (!tensors_.emplace(today, &view).second)
    throw InputError(where_ + ": tensor " + quote(today) +
                     " is there twice, by its old and its new name");
}

void WeightFiles::read_index(const std::string& folder) {
  const fs::path root(folder);
  where_ = (root / kIndexFile).string();
  const JsonObject map = read_json_object(where_).object("weight_map");
  for (const auto& entry : map.json().items()) {
    const std::string& name = entry.key();
    const std::string shard = map.text(name);
    require_file_name(map, name, shard);
    if (files_.count(shard) == 0) files_.emplace(shard, MappedSafetensors((root / shard).string()));
    const auto& tensors = files_.at(shard).tensors();
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw InputError((root / shard).string() + ": expected the tensor " + quote(name) +
                       ", which the index places there, found no such tensor");
    add(name, found->second);
  }
  // transformers reads whatever stands in the shards.
  for (const auto& [shard, file] : files_)
    for (const auto& [name, view] : file.tensors())
      if (!map.json().contains(name)) tensors_.emplace(name_today(name), &view);
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> names;
  for (const auto& entry : tensors_) names.push_back(entry.first);
  return names;
}

const TensorView* WeightFiles::find(const std::string& name, const std::string& prefix) const {
  auto found = tensors_.find(name);
  if (found == tensors_.end() && name.compare(0, prefix.size(), prefix) == 0)
    found = tensors_.find(name.substr(prefix.size()));
  return found == tensors_.end() ? nullptr : found->second;
}

const TensorView& WeightFiles::require(const std::string& name, const std::string& prefix,
                                       const Shape& shape) const {
  const TensorView* view = find(name, prefix);
  const std::string expected =
      where_ + ": tensor " + quote(name) + ": expected shape " + to_string(shape);
  if (view == nullptr) throw InputError(expected + ", found no such tensor");
  if (view->shape != shape) throw InputError(expected + ", found " + to_string(view->shape));
  return *view;
}

Tensor WeightFiles::read(const std::string& name, const std::string& prefix, const Shape& shape,
                         DType dtype) const {
  const TensorView& view = require(name, prefix, shape);
  const std::string what = where_ + ": tensor " + quote(name);
  Tensor tensor = dtype == DType::BF16 ? to_bf16(view, what) : to_f32(view, what);
  release(view);
  return tensor;
}

}  // namespace corank
