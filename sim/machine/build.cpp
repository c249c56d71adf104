#include "sim/machine/build.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "models/base/error.h"
#include "sim/machine/recipe.h"
#include "sim/system/interruption.h"
#include "sim/system/output_file.h"
#include "sim/system/progress_line.h"

namespace corank {

namespace {

namespace fs = std::filesystem;

// Held until destroyed, or until the process ends in any way.
class FileLock {
 public:
  FileLock(const fs::path& path, const ProgressLine& progress)
      : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0) throw MachineError(path.string() + ": " + std::strerror(errno));
    try {
      while (flock(file_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
          throw MachineError(path.string() + ": " + std::strerror(errno));
        progress.show("another process builds it");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    } catch (...) {
      close(file_);
      throw;
    }
  }
  ~FileLock() { close(file_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

// A folder for the tools, removed at the end. Neither make nor a compiler's options take every
// name, so it is not in the cache, whose name is the user's choice.
class WorkFolder {
 public:
  WorkFolder() {
    const char* named = std::getenv("TMPDIR");
    const bool plain = named != nullptr && named[0] == '/' &&
                       std::strspn(named,
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-./") == std::strlen(named);
    std::string path = std::string(plain ? named : "/tmp") + "/corank-build-XXXXXX";
    if (mkdtemp(path.data()) == nullptr)
      throw MachineError(path + ": cannot be made, to build the machine: " + std::strerror(errno));
    path_ = path;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

fs::path cache_directory(const MachineBuildOptions& options) {
  return fs::path(options.cache_directory.empty() ? cache_root() : options.cache_directory);
}

// "" for a file that cannot be read.
std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : "";
}

std::string checksum(const std::string& bytes) {
  Hash hash;
  hash.add(bytes);
  return std::to_string(bytes.size()) + " " + hash.hex() + "\n";
}

fs::path library_of(const fs::path& cache, const std::string& name) {
  return cache / (name + ".so");
}
fs::path sum_of(const fs::path& cache, const std::string& name) { return cache / (name + ".sum"); }

// There, and as it was written.
bool is_whole(const fs::path& cache, const std::string& name) {
  const std::string expected = text_of(sum_of(cache, name));
  return !expected.empty() && checksum(text_of(library_of(cache, name))) == expected;
}

void write_whole(const fs::path& path, const std::string& bytes) {
  try {
    OutputFile file(path.string());
    file.write(bytes);
    file.finish();
  } catch (const InputError& error) {  // nobody chose this path for an output
    throw MachineError(error.what());
  }
}

void remember(const fs::path& cache, const std::string& place, const std::string& name) {
  const fs::path last = cache / (place + ".last");
  if (place.empty() || text_of(last) == name) return;
  try {
    write_whole(last, name);
  } catch (const MachineError&) {  // a cache that cannot be written still gives what it has
  }
}

// The last machine of this shape from the texts that this program was built with.
std::optional<std::string> remembered(const fs::path& cache, const std::string& place) {
  if (place.empty()) return std::nullopt;
  const std::string name = text_of(cache / (place + ".last"));
  if (name.empty() || !is_whole(cache, name)) return std::nullopt;
  return library_of(cache, name).string();
}

// A machine from these texts, whatever versions of the tools it was built with.
std::optional<std::string> of_any_tools(const fs::path& cache, const std::string& texts) {
  std::error_code error;
  for (fs::directory_iterator entry(cache, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().stem().string();
    if (entry->path().extension() == ".so" && name.rfind(texts + "-", 0) == 0 &&
        is_whole(cache, name))
      return entry->path().string();
  }
  return std::nullopt;
}

void build(const Recipe& recipe, const fs::path& cache, const std::string& name,
           const ProgressLine& progress) {
  const fs::path log = fs::absolute(cache / (name + ".log"));
  std::error_code ignored;
  fs::remove(log, ignored);
  fs::remove(sum_of(cache, name), ignored);  // of a library that is not whole
  const WorkFolder work;
  const fs::path made = compile(recipe, work.path(), log.string(),
                                [&](const std::string& stage) { progress.show(stage); });
  const std::string bytes = text_of(made);
  if (bytes.empty()) throw MachineError(made.string() + ": cannot be read");
  write_whole(library_of(cache, name), bytes);
  write_whole(sum_of(cache, name), checksum(bytes));
}

}  // namespace

std::string cache_root() {
  if (const char* own = std::getenv("CORANK_CACHE"); own != nullptr && own[0] != 0) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && xdg[0] != 0) {
    return (fs::path(xdg) / "corank").string();
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != 0) {
    return (fs::path(home) / ".cache" / "corank").string();
  }
  throw MachineError(
      "no place for what is kept from run to run: expected CORANK_CACHE, XDG_CACHE_HOME or HOME to "
      "be set");
}

std::string machine_library(const MachineShape& shape, const MachineBuildOptions& options) {
  if (const char* other = std::getenv("CORANK_MACHINE"); other != nullptr && other[0] != 0)
    return other;
  const fs::path cache = cache_directory(options);
  const std::string place = key_without_texts(shape, options.waves);
  Recipe recipe;
  try {
    recipe = read_recipe(shape, options.waves);
  } catch (const MachineError&) {
    if (const auto library = remembered(cache, place)) return *library;
    throw;
  }
  const std::string texts = key_of(recipe);
  Hash tools;
  try {
    tools.add(tool_versions());
  } catch (const MachineError&) {
    if (const auto library = of_any_tools(cache, texts)) return *library;
    throw;
  }
  const std::string name = texts + "-" + tools.hex();
  if (!is_whole(cache, name)) {
    std::error_code problem;
    fs::create_directories(cache, problem);
    if (problem) throw MachineError(cache.string() + ": " + problem.message());
    const ProgressLine progress("machine " + std::to_string(shape.array_rows) + "x" +
                                    std::to_string(shape.array_columns) +
                                    (host_float(shape) ? " (host-float)" : ""),
                                options.quiet, options.stop);
    const FileLock lock(cache / (name + ".lock"), progress);
    if (!is_whole(cache, name)) build(recipe, cache, name, progress);
  }
  remember(cache, place, name);
  return library_of(cache, name).string();
}

}  // namespace corank
