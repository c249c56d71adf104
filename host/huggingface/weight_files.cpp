#include "host/huggingface/weight_files.h"

#include <filesystem>

#include "host/huggingface/json_object.h"
#include "models/base/error.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

}  // namespace

WeightFiles::WeightFiles(const std::string& folder) {
  const fs::path root(folder);
  if (is_there(root / kSingleFile)) {
    where_ = (root / kSingleFile).string();
    const auto file = files_.emplace(kSingleFile, MappedSafetensors(where_)).first;
    for (const auto& [name, view] : file->second.tensors()) tensors_[name] = &view;
    return;
  }
  if (!is_there(root / kIndexFile))
    throw InputError(folder + ": expected " + kSingleFile + " or " + kIndexFile +
                     ", found neither");
  where_ = (root / kIndexFile).string();
  const JsonObject map = read_json_object(where_).object("weight_map");
  for (const auto& entry : map.json().items()) {
    const std::string& name = entry.key();
    const std::string shard = map.text(name);
    if (shard.empty() || fs::path(shard).filename() != shard || shard == "." || shard == "..")
      map.refuse(name, "the name of a file in the same folder");
    if (files_.count(shard) == 0) files_.emplace(shard, MappedSafetensors((root / shard).string()));
    const auto& tensors = files_.at(shard).tensors();
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw InputError((root / shard).string() + ": expected the tensor '" + name +
                       "', which the index places there, found no such tensor");
    tensors_[name] = &found->second;
  }
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
      where_ + ": tensor '" + name + "': expected shape " + to_string(shape);
  if (view == nullptr) throw InputError(expected + ", found no such tensor");
  if (view->shape != shape) throw InputError(expected + ", found " + to_string(view->shape));
  return *view;
}

}  // namespace corank
