#include "host/run/run_files.h"

#include <algorithm>
#include <filesystem>

#include "host/formats/input_file.h"
#include "models/base/error.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

/// Of the folder of a model or an adapter everything but what corank itself writes to --out.
void add_folder(const std::string& folder, const std::vector<std::string>& written,
                std::vector<std::string>& inputs) {
  std::error_code error;
  if (folder.empty()) return;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (std::find(written.begin(), written.end(), name) == written.end())
      inputs.push_back(entry->path().string());
  }
}

std::vector<std::string> inputs_of(const Config& config, const std::vector<std::string>& written) {
  std::vector<std::string> inputs = config.files;
  inputs.insert(inputs.end(), config.captures.begin(), config.captures.end());
  for (const std::string& file :
       {config.capture, config.batches, config.state, config.transformer.config})
    if (!file.empty()) inputs.push_back(file);
  add_folder(config.model, written, inputs);
  add_folder(config.adapter, written, inputs);
  return inputs;
}

}  // namespace

RunFiles::RunFiles(const Config& config, const AskedFiles& asked) {
  const std::string named = "--out " + asked.out;
  std::vector<NamedPath> outputs;
  if (!asked.out.empty())
    for (const std::string& name : asked.names)
      outputs.push_back({named, (fs::path(asked.out) / name).string()});
  const std::size_t below = outputs.size();
  if (!asked.trace.empty()) outputs.push_back({"--trace " + asked.trace, asked.trace});
  if (!asked.waves.empty()) outputs.push_back({"--waves " + asked.waves, asked.waves});
  check_outputs(outputs, inputs_of(config, asked.names));

  if (!asked.out.empty()) folder.emplace(asked.out, named);
  for (std::size_t i = 0; i < below; ++i) {
    const fs::path above = fs::path(outputs[i].path).parent_path();
    if (is_there(above)) const OutputFile could(outputs[i].path, named);
  }
  if (!asked.trace.empty()) trace.emplace(asked.trace, "--trace " + asked.trace);
  if (!asked.waves.empty()) {
    waves.emplace(asked.waves, "--waves " + asked.waves);
    if (waves->temporary().empty())
      throw InputError(
          "--waves " + asked.waves +
          ": expected a regular file, because waves are not written from first to last");
    waves->expect_beside(".hier");  // of the FST writer
  }
}

}  // namespace corank
