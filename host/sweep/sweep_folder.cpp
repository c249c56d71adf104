#include "host/sweep/sweep_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "host/config/yaml_tree.h"
#include "host/formats/input_file.h"
#include "host/report/write_json.h"
#include "host/sweep/forked.h"
#include "host/sweep/run_key.h"
#include "host/sweep/store.h"
#include "host/sweep/sweep_driver.h"
#include "host/sweep/sweep_table_json.h"
#include "models/base/error.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char *kOriginFile = "sweep.json", *kCopyFile = "sweep.yaml",
                     *kTableFile = "table.json", *kLogsFolder = "logs";

std::string inside(const std::string& folder, const char* name) {
  return (fs::path(folder) / name).string();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(path + ": cannot be read: " + std::strerror(errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

void make_below(const std::string& folder, const char* name) {
  if (mkdir(inside(folder, name).c_str(), 0777) != 0 && errno != EEXIST)
    throw InputError("--out " + folder + ": cannot be written to: " + std::strerror(errno));
}

// ---- what a table was made from ----

/// The segments, by name and size: only complete lines count, and there is no line without bytes.
nlohmann::json state_of_runs(const std::string& folder) {
  nlohmann::json segments = nlohmann::json::object();
  std::error_code error;
  for (fs::directory_iterator entry(inside(folder, kRunsFolder), error), end;
       !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".jsonl")
      segments[entry->path().filename().string()] = entry->file_size(error);
  return segments;
}

nlohmann::json digests_of(const std::set<std::string>& files) {
  ContentDigests digests;
  nlohmann::json all = nlohmann::json::object();
  for (const std::string& file : files) all[file] = digests.of(file);
  return all;
}

/// Whether the files are what they were. One that is gone says nothing against a table.
bool unchanged(const nlohmann::json& digests) {
  ContentDigests now;
  for (const auto& [file, digest] : digests.items())
    if (is_there(file) && now.of(file) != digest) return false;
  return true;
}

/// Nothing: there is none, or it was made from something else than what is there now.
std::optional<SweepTable> kept_table(const std::string& folder) {
  const std::string path = inside(folder, kTableFile);
  if (!is_there(path)) return std::nullopt;
  try {
    const nlohmann::json json = nlohmann::json::parse(bytes_of(path));
    const nlohmann::json& from = json.at("made_from");
    if (from.at("timing") != kTimingVersion || from.at("runs") != state_of_runs(folder) ||
        !unchanged(from.at("files")))
      return std::nullopt;
    return sweep_table_of(json);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // it can always be made again
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

void check_sweep_folder(const std::string& folder, const SweepFile& sweep) {
  const std::string named = "--out " + folder;
  const std::string origin_path = inside(folder, kOriginFile);
  if (is_there(origin_path)) {
    const std::string name = sweep_origin(folder).name;
    if (name != sweep.name)
      throw InputError(
          fmt::format("{}: holds the sweep '{}', not '{}' of {}; expected another "
                      "folder",
                      named, name, sweep.name, sweep.file));
  } else if (std::error_code error; !fs::is_empty(folder, error) || error) {
    throw InputError(named + ": holds other files and no sweep; expected a folder of its own");
  }
}

void keep_sweep(const std::string& folder, const SweepFile& sweep) {
  const std::string named = "--out " + folder;
  OutputFile copy(inside(folder, kCopyFile), named);
  copy.write(bytes_of(sweep.file));
  copy.finish();
  OutputFile origin(inside(folder, kOriginFile), named);
  write_json(origin, {{"name", sweep.name},
                      {"file", fs::absolute(sweep.file).lexically_normal().string()},
                      {"directory", fs::current_path().string()},
                      {"settings", sweep.settings}});
  make_below(folder, kRunsFolder);
  make_below(folder, kLogsFolder);
}

std::set<std::string> files_of_sweep(const SweepFile& sweep) {
  const Config base = load_config(sweep.configuration, sweep.settings);
  std::set<std::string> files;
  const auto add = [&](const std::string& file) {
    files.insert(fs::absolute(file).lexically_normal().string());
  };
  std::for_each(base.files.begin(), base.files.end(), add);
  add(sweep.file);
  const auto add_file_of = [&](const std::string& setting) {
    const std::string value = setting.substr(setting.find('=') + 1);
    std::error_code error;
    if (fs::is_regular_file(value, error)) add(value);
  };
  for (const std::vector<std::string>& axis : sweep.axis_settings)
    std::for_each(axis.begin(), axis.end(), add_file_of);
  for (const SweepWorkload& workload : sweep.workloads)
    std::for_each(workload.settings.begin(), workload.settings.end(), add_file_of);
  return files;
}

SweepOrigin sweep_origin(const std::string& folder) {
  const std::string path = inside(folder, kOriginFile);
  if (!is_there(path))
    throw InputError(folder + ": expected the folder of a sweep, which has a " + kOriginFile);
  SweepOrigin origin;
  try {
    const nlohmann::json json = nlohmann::json::parse(bytes_of(path));
    json.at("name").get_to(origin.name);
    json.at("file").get_to(origin.file);
    json.at("directory").get_to(origin.directory);
    json.at("settings").get_to(origin.settings);
  } catch (const nlohmann::json::exception&) {
    throw InputError(path +
                     ": expected what corank sweep writes there: name, file, directory and "
                     "settings; start the sweep again with --out");
  }
  return origin;
}

void keep_table(const std::string& folder, const SweepFile& sweep, const SweepTable& table) {
  nlohmann::ordered_json json = {{"made_from",
                                  {{"timing", kTimingVersion},
                                   {"runs", state_of_runs(folder)},
                                   {"files", digests_of(files_of_sweep(sweep))}}}};
  json.update(to_json(table));
  OutputFile file(inside(folder, kTableFile));
  file.write(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  file.finish();
}

SweepTable table_of_folder(const std::string& folder) {
  const SweepOrigin origin = sweep_origin(folder);
  const std::string absolute = fs::absolute(folder).string();
  std::optional<SweepTable> table = kept_table(folder);
  if (!table) {
    // Paths of settings are relative to where they were written.
    const fs::path before = fs::current_path();
    std::error_code error;
    fs::current_path(origin.directory, error);
    if (!fs::is_regular_file(origin.file, error))
      throw InputError(
          fmt::format("{}: says that the sweep's file is '{}', where there is none; "
                      "start the sweep again with --out {}",
                      inside(folder, kOriginFile), excerpt(origin.file), folder));
    const SweepFile sweep = load_sweep(origin.file, origin.settings);
    table = replay_sweep(sweep, absolute, usable_processors());
    fs::current_path(before, error);
  }
  table->directory = folder;
  return *table;
}

}  // namespace corank
