#include "sim/machine/build.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "models/base/error.h"

extern char** environ;

namespace corank {

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

// -O2 reaches the hot code only through OPT_FAST: Verilator's makefile puts its own -Os after
// everything in -CFLAGS.
constexpr const char* kHotOptions = "-O2 -march=native -ffp-contract=off";
constexpr const char* kColdOptions = "-O1";
// Private symbols, so that machines of several shapes live in one process.
constexpr const char* kLibraryOptions = "-fPIC -fvisibility=hidden -fno-gnu-unique";
// Failed assertions and $display come to the shell instead of ending the process.
constexpr const char* kHooks =
    "-DVL_USER_STOP -DVL_USER_FINISH -DVL_USER_FATAL -DVL_PRINTF=corank_vl_printf -include "
    "corank_vl_printf.h";
constexpr const char* kHookDeclaration =
    "extern \"C\" int corank_vl_printf(const char* format, ...);\n";
// What `mac: host-float` adds. The header is included in front of the verilated code.
constexpr const char* kHostFloatMacro = "CORANK_HOST_FLOAT";
constexpr const char* kHostFloatHeader = "host_float.h";
constexpr const char* kProcesses = "2";

bool host_float(const MachineShape& shape) { return shape.mac == "host-float"; }

std::string directory(const char* variable, const char* compiled) {
  const char* value = std::getenv(variable);
  return value != nullptr && value[0] != 0 ? value : compiled;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw MachineError(path.string() + ": cannot be read, to build the machine");
  return text.str();
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw MachineError(path.string() + ": cannot be written");
}

// Packages first, in the order of files.f.
std::vector<fs::path> rtl_sources(const fs::path& rtl, const fs::path& generated) {
  std::vector<fs::path> sources;
  std::istringstream list(read_file(rtl / "files.f"));
  for (std::string line; std::getline(list, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line[0] == '#') continue;
    sources.push_back(line == "+generated" ? generated / "interface_pkg.sv" : rtl / line);
  }
  return sources;
}

std::vector<std::pair<std::string, int>> parameters(const MachineShape& shape) {
  return {{"ArrayRows", shape.array_rows},
          {"ArrayColumns", shape.array_columns},
          {"VectorLanes", shape.vector_lanes},
          {"ScratchpadKib", shape.scratchpad_kib},
          {"ScratchpadBanks", shape.scratchpad_banks},
          {"AccumulatorKib", shape.accumulator_kib},
          {"AccumulatorBanks", shape.accumulator_banks},
          {"AxiDataBits", shape.axi_data_bits},
          {"QueueDepth", shape.queue_depth}};
}

// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). Each part is ended, so that moving text
// between parts counts.
class Hash {
 public:
  void add(const std::string& part) {
    for (const char c : part + '\0') {
      value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
  }
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
    return text;
  }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

// What -march=native looks at.
std::string cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::string model;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) model = line;
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) return model + line;
  }
  return model;
}

// One line on the terminal: what is being done, and for how long.
class Progress {
 public:
  Progress(std::string what, bool quiet)
      : what_(std::move(what)), shown_(!quiet && isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& stage) const {
    if (!shown_) return;
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    std::fprintf(
        stderr, "\r\033[K%s: %s, %lld s", what_.c_str(), stage.c_str(),
        static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count()));
    std::fflush(stderr);
  }

 private:
  std::string what_;
  bool shown_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

constexpr auto kPoll = std::chrono::milliseconds(50);

std::string end_of(const fs::path& log) {
  std::ifstream file(log, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  constexpr std::size_t kShown = 2000;
  const std::string all = text.str();
  return all.size() > kShown ? "..." + all.substr(all.size() - kShown) : all;
}

// Runs a program, its output appended to `log`. Throws MachineError if it cannot be started or
// fails.
void run(const Strings& command, const fs::path& log, const Progress& progress,
         const std::string& stage) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int problem =
      posix_spawnp(&child, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (problem != 0) {
    throw MachineError(command[0] +
                       " cannot be started, to build the machine: " + std::strerror(problem));
  }
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) {
      throw MachineError(command[0] + " cannot be waited for: " + std::strerror(errno));
    }
    progress.show(stage);
    std::this_thread::sleep_for(kPoll);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw MachineError(command[0] + " failed while the machine was built; the end of " +
                       log.string() + ":\n" + end_of(log));
  }
}

// The first line that a command prints.
std::string first_line_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw MachineError("`" + command + "` cannot be started");
  char text[512] = "";
  const bool read = std::fgets(text, sizeof text, pipe) != nullptr;
  const bool failed = pclose(pipe) != 0 || !read;
  std::string line = text;
  line.erase(line.find_last_not_of('\n') + 1);
  if (failed) throw MachineError("`" + command + "`, needed to build the machine, fails: " + line);
  return line;
}

// Held until destroyed, or until the process ends in any way.
class FileLock {
 public:
  FileLock(const fs::path& path, const Progress& progress)
      : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0) throw MachineError(path.string() + ": " + std::strerror(errno));
    while (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        close(file_);
        throw MachineError(path.string() + ": " + std::strerror(errno));
      }
      progress.show("another process builds it");
      std::this_thread::sleep_for(kPoll);
    }
  }
  ~FileLock() { close(file_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

fs::path cache_directory(const MachineBuildOptions& options) {
  if (!options.cache_directory.empty()) return options.cache_directory;
  if (const char* own = std::getenv("CORANK_CACHE"); own != nullptr && own[0] != 0) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && xdg[0] != 0) {
    return fs::path(xdg) / "corank";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != 0) {
    return fs::path(home) / ".cache" / "corank";
  }
  throw MachineError(
      "no place for verilated machines: expected CORANK_CACHE, XDG_CACHE_HOME or HOME to be set");
}

void build(const MachineShape& shape, const std::vector<fs::path>& sources, const fs::path& shell,
           bool waves, const fs::path& work, const fs::path& log, const Progress& progress) {
  write_file(work / "corank_vl_printf.h", kHookDeclaration);
  const std::string model = (work / "model").string();
  std::string flags = std::string(kLibraryOptions) + " " + kHooks + " -I" + work.string();
  if (host_float(shape)) {
    flags += std::string(" -D") + kHostFloatMacro + " -include " +
             (shell.parent_path() / kHostFloatHeader).string();
  }

  // Warnings are for scripts/lint; but a shape that a module refuses ($error) is no machine.
  Strings verilate = {"verilator", "--cc", "--top-module",     "corank_accelerator",
                      "--Mdir",    model,  "--assert",         "-Wno-fatal",
                      "-CFLAGS",   flags,  "-Werror-USERERROR"};
  for (const auto& [name, value] : parameters(shape)) {
    verilate.push_back("-G" + name + "=" + std::to_string(value));
  }
  if (host_float(shape)) verilate.push_back(std::string("+define+") + kHostFloatMacro);
  if (waves) verilate.push_back("--trace-fst");
  for (const fs::path& source : sources) verilate.push_back(source.string());
  run(verilate, log, progress, "verilating");

  const std::string hot = kHotOptions;
  Strings objects = {"Vcorank_accelerator__ALL.a", "verilated.o", "verilated_threads.o"};
  if (waves) objects.push_back("verilated_fst_c.o");
  Strings compile = {"make",
                     "-C",
                     model,
                     "-f",
                     "Vcorank_accelerator.mk",
                     "-j",
                     kProcesses,
                     "OPT_FAST=" + hot,
                     std::string("OPT_SLOW=") + kColdOptions,
                     "OPT_GLOBAL=" + hot};
  compile.insert(compile.end(), objects.begin(), objects.end());
  run(compile, log, progress, "compiling");

  const std::string verilator_root = first_line_of("verilator --getenv VERILATOR_ROOT");
  Strings link = {"g++", "-std=c++17", "-shared", "-o", (work / "machine.so").string()};
  for (const std::string& options : {hot, flags}) {
    std::istringstream words(options);
    for (std::string word; words >> word;) link.push_back(word);
  }
  if (waves) link.push_back("-DCORANK_WAVES");
  for (const char* include : {"/include", "/include/vltstd"}) {
    link.insert(link.end(), {"-isystem", verilator_root + include});
  }
  link.insert(link.end(), {"-I" + model, "-I" + shell.parent_path().string(), shell.string()});
  for (const std::string& object : objects) link.push_back(model + "/" + object);
  link.push_back("-lpthread");
  if (waves) link.push_back("-lz");
  run(link, log, progress, "linking");
}

}  // namespace

std::string machine_library(const MachineShape& shape, const MachineBuildOptions& options) {
  const fs::path rtl = directory("CORANK_RTL_DIR", CORANK_RTL_DIR);
  const fs::path generated = directory("CORANK_GENERATED_RTL_DIR", CORANK_GENERATED_RTL_DIR);
  const fs::path shell = fs::path(CORANK_SHELL_DIR) / "shell.cpp";
  const std::vector<fs::path> sources = rtl_sources(rtl, generated);

  Hash key;
  for (const auto& [name, value] : parameters(shape)) key.add(name + "=" + std::to_string(value));
  for (const fs::path& source : sources) key.add(read_file(source));
  key.add(read_file(shell));
  key.add(read_file(shell.parent_path() / "pins.h"));
  if (host_float(shape)) key.add(read_file(shell.parent_path() / kHostFloatHeader));
  key.add(first_line_of("verilator --version"));
  key.add(first_line_of("g++ --version"));
  key.add(cpu_flags());
  for (const char* choice : {kHotOptions, kColdOptions, kLibraryOptions, kHooks}) key.add(choice);
  key.add(options.waves ? "waves" : "");

  const fs::path cache = cache_directory(options);
  const fs::path library = cache / (key.hex() + ".so");
  if (fs::exists(library)) return library.string();

  std::error_code problem;
  fs::create_directories(cache, problem);
  if (problem) throw MachineError(cache.string() + ": " + problem.message());
  const Progress progress("machine " + std::to_string(shape.array_rows) + "x" +
                              std::to_string(shape.array_columns) +
                              (host_float(shape) ? " (host-float)" : ""),
                          options.quiet);
  const FileLock lock(cache / (key.hex() + ".lock"), progress);
  if (fs::exists(library)) return library.string();

  const fs::path work = cache / (key.hex() + ".build");
  const fs::path log = cache / (key.hex() + ".log");
  fs::remove_all(work);
  fs::remove(log);
  fs::create_directories(work);
  build(shape, sources, shell, options.waves, fs::absolute(work), fs::absolute(log), progress);
  fs::rename(work / "machine.so", library);
  fs::remove_all(work);
  fs::remove(log);
  return library.string();
}

}  // namespace corank
