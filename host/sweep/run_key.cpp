#include "host/sweep/run_key.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/sweep/run_figures.h"
#include "host/sweep/sha256.h"
#include "models/base/error.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 1 << 20;

[[noreturn]] void refuse_contents(const std::string& path, int error) {
  throw InputError(path + ": cannot be read: " + std::strerror(error));
}

// What a file's contents do not change without.
std::string state_of(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) refuse_contents(path, errno);
  return fmt::format("{} {} {} {} {}.{:09}", path, file.st_dev, file.st_ino, file.st_size,
                     file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

}  // namespace

std::string ContentDigests::of_file(const std::string& path) {
  const std::string state = state_of(path);
  if (const auto known = by_state_.find(state); known != by_state_.end()) return known->second;
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse_contents(path, errno);
  Sha256 sum;
  std::string block(kBlockBytes, '\0');
  while (file.read(block.data(), kBlockBytes), file.gcount() > 0)
    sum.add({block.data(), static_cast<std::size_t>(file.gcount())});
  if (file.bad()) refuse_contents(path, errno);
  return by_state_[state] = sum.hex();
}

std::string ContentDigests::of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return of_file(path);
  std::vector<std::string> names;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file(error)) names.push_back(entry->path().filename().string());
  if (error) refuse_contents(path, error.value());
  std::sort(names.begin(), names.end());
  nlohmann::json files = nlohmann::json::array();
  for (const std::string& name : names)
    files.push_back({name, of_file((fs::path(path) / name).string())});
  return sha256(files.dump());
}

std::string run_key(const Config& config, ContentDigests& digests) {
  const nlohmann::json canonical = {
      {"fidelity", kExactFidelity},
      {"timing", kTimingVersion},
      {"values", timed_values(measured_config(config),
                              [&](const std::string& path) { return digests.of(path); })}};
  return sha256(canonical.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace corank
