#include "tests/fuzz/small_runs.h"

#include <array>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "tests/fuzz/mutate.h"
#include "tests/host/temporary_folder.h"

namespace corank::fuzz {
namespace {

namespace fs = std::filesystem;
using draw::one_of;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The files below a folder of the source tree, by their paths in it; without what only tests read.
std::map<std::string, std::string> files_below(const std::string& folder) {
  std::map<std::string, std::string> files;
  const fs::path root = fs::path(CORANK_SOURCE) / folder;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string name = fs::relative(entry.path(), root).string();
    const bool read = entry.is_regular_file() && name != "expected.safetensors";
    if (read) files[name] = source_file(folder + "/" + name);
  }
  return files;
}

/// Small fixtures of every kind: heads shared and not, shards, tied embeddings, classification,
/// saved modules, biases, chosen layers and tokens, dropout.
const std::vector<std::map<std::string, std::string>>& fixtures() {
  static const auto all = [] {
    std::vector<std::map<std::string, std::string>> read;
    for (const char* name :
         {"bert", "bert_embeddings", "llama_bias_tied", "llama_classify", "llama_dropout",
          "llama_gqa", "llama_layers", "llama_patterns", "llama_rope_llama3", "llama_saved",
          "llama_tokens", "llama_mask_holes"})
      read.push_back(files_below(std::string("tests/fixtures/hf/") + name));
    return read;
  }();
  return all;
}

}  // namespace

const std::string& source_file(const std::string& path) {
  static std::map<std::string, std::string> read;
  const auto known = read.find(path);
  if (known != read.end()) return known->second;
  const std::string content = content_of(std::string(CORANK_SOURCE) + "/" + path);
  if (content.empty()) throw std::runtime_error(path + " is missing");
  return read.emplace(path, content).first->second;
}

Settings small_step(Random& random) {
  const auto size = [&] { return std::to_string(draw::between(random, 1, 12)); };
  const std::string layer =
      "{in: " + size() + ", out: " + size() + ", rank: " + size() + ", bias: true}";
  return {{"accelerator.array.rows", "4"},
          {"accelerator.array.columns", "4"},
          {"accelerator.vector.lanes", "4"},
          {"accelerator.axi.data_bits", "64"},
          {"memory.size_mib", "64"},
          {"workload.shapes.tokens", size()},
          {"workload.shapes.layers", "[" + layer + "]"},
          {"values", percent(random, 50) ? "on" : "off"}};
}

Input run_of(const Settings& settings) {
  Input input;
  input.arguments = {"run", "config.yaml", "--fidelity", "cycle", "--out", "out"};
  input.files["config.yaml"] = to_yaml(settings);
  return input;
}

Input small_training(Random& random) {
  Input input;
  const bool on_device = percent(random, 20);
  input.files = one_of(random, fixtures());
  input.files.erase("settings.json");
  input.files["config.yaml"] =
      to_yaml({{"workload.model", "model"},
               {"workload.adapter", "adapter"},
               {"workload.batches", "batches.safetensors"},
               {"numerics", !on_device && percent(random, 60) ? "fp32" : "bf16"}});
  input.arguments = {"run",   "config.yaml", "--fidelity", on_device ? "cycle" : "reference",
                     "--out", "out"};
  return input;
}

void mutate_files(Random& random, Input& input, const std::string& beginning) {
  std::vector<std::string> names;
  for (const auto& [name, content] : input.files)
    if (name.rfind(beginning, 0) == 0) names.push_back(name);
  for (int left = mistakes(random); left > 0; --left) {
    const std::string name = one_of(random, names);
    std::string& content = input.files.at(name);
    if (ends_with(name, ".safetensors"))
      content = mutate_safetensors(random, content);
    else if (ends_with(name, ".json") && percent(random, 70))
      mutate_json(random, content);
    else
      mutate_text(random, content);
  }
}

}  // namespace corank::fuzz
