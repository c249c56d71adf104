#include "tests/mutation/trial.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "models/base/error.h"

namespace corank::mutation {
namespace {

namespace fs = std::filesystem;

// Of a build; a hang is a defect of a tool.
constexpr int kBuildCpuSeconds = 900;
// A program that waits uses no CPU time; nothing here waits long on a quiet computer.
constexpr int kWallOverCpu = 10;

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw MachineError(path.string() + ": cannot be written");
}

// What did not change keeps its time, so that it is not built again.
void copy_changed(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  const std::string text = read_text(from.string());
  if (!fs::exists(to) || read_text(to.string()) != text) write_text(to, text);
  fs::permissions(to, fs::status(from).permissions());
}

// "" if it ends with status 0; everything it prints goes to `log`.
std::string run_limited(const std::vector<std::string>& command,
                        const std::map<std::string, std::string>& environment, const fs::path& log,
                        int cpu_seconds) {
  const pid_t child = fork();
  if (child < 0) throw MachineError("no process for " + command[0]);
  if (child == 0) {
    setpgid(0, 0);
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    const auto seconds = static_cast<rlim_t>(cpu_seconds);
    const rlimit limit{seconds, seconds};
    setrlimit(RLIMIT_CPU, &limit);
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  setpgid(child, child);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(kWallOverCpu * cpu_seconds);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      return "time limit";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(-child, SIGKILL);  // what it may have left behind
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU || signal == SIGKILL) return "time limit";
    return signal == SIGABRT ? "assertion" : "signal " + std::to_string(signal);
  }
  const int code = WEXITSTATUS(status);
  if (code == 127) throw MachineError(command[0] + " cannot be started");
  return code == 0 ? "" : "failed";
}

}  // namespace

TrialTree::TrialTree(const fs::path& source, fs::path work)
    : work_(std::move(work)), tree_(work_ / "tree"), build_(work_ / "build") {
  copy_changed(source / "CMakeLists.txt", tree_ / "CMakeLists.txt");
  for (const char* folder : {"models", "rtl", "sim", "host", "tests", "scripts", "configs"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source / folder)) {
      if (entry.is_regular_file()) {
        copy_changed(entry.path(), tree_ / fs::relative(entry.path(), source));
      }
    }
  }
  const fs::path lenient = work_ / "verilator_lenient";
  write_text(lenient, "#!/bin/sh\nexec verilator_bin \"$@\" -Wno-fatal\n");
  fs::permissions(lenient, fs::perms::owner_all);
  const fs::path log = work_ / "configure.log";
  const std::string problem =
      run_limited({"cmake", "-G", "Ninja", "-S", tree_.string(), "-B", build_.string(),
                   "-DCMAKE_CXX_FLAGS=-O1 -w -march=native", "-DVERILATOR_BIN=" + lenient.string()},
                  {}, log, kBuildCpuSeconds);
  if (!problem.empty()) throw MachineError("the copy cannot be configured; see " + log.string());
}

bool TrialTree::build(const Bench& bench) const {
  return run_limited({"cmake", "--build", build_.string(), "--target",
                      fs::path(bench.program).filename().string(), "-j", "2"},
                     {}, work_ / "build.log", kBuildCpuSeconds)
      .empty();
}

std::string TrialTree::run(const Bench& bench) const {
  std::vector<std::string> command = {(build_ / bench.program).string()};
  command.insert(command.end(), bench.arguments.begin(), bench.arguments.end());
  // Whole machines are built where the next mutant does not find them.
  const fs::path machines = work_ / "machines";
  std::map<std::string, std::string> environment = bench.environment;
  environment["CORANK_CACHE"] = machines.string();
  const std::string problem =
      run_limited(command, environment, work_ / "run.log", bench.cpu_seconds);
  fs::remove_all(machines);
  return problem;
}

void TrialTree::check_green(const Bench& bench) {
  if (green_[bench.name]) return;
  if (!build(bench)) {
    throw MachineError(bench.name + " cannot be built without a mutant; see " +
                       (work_ / "build.log").string());
  }
  const std::string problem = run(bench);
  if (!problem.empty()) {
    throw MachineError(bench.name + " is red without a mutant (" + problem + "); see " +
                       (work_ / "run.log").string());
  }
  green_[bench.name] = true;
}

Outcome TrialTree::try_mutant(const MutantList& list, const Mutant& mutant) {
  const Module& module = list.module(mutant.module);
  for (const std::string& name : module.benches) check_green(list.bench(name));

  const fs::path file = tree_ / module.file;
  const std::string original = read_text(file.string());
  std::string mutated = original;
  mutated.replace(mutant.offset, mutant.from.size(), mutant.to);
  write_text(file, mutated);
  Outcome outcome;
  try {
    for (const std::string& name : module.benches) {
      const Bench& bench = list.bench(name);
      if (!build(bench)) {
        outcome = {Fate::kInvalid, name, "does not compile"};
        break;
      }
      const std::string problem = run(bench);
      // A machine that cannot be built is an invalid mutant too, not a killed one.
      if (!problem.empty() &&
          read_text((work_ / "run.log").string()).find("while the machine was built") !=
              std::string::npos) {
        outcome = {Fate::kInvalid, name, "does not compile"};
        break;
      }
      if (!problem.empty()) {
        outcome = {Fate::kKilled, name, problem};
        break;
      }
    }
  } catch (...) {
    write_text(file, original);
    throw;
  }
  write_text(file, original);
  return outcome;
}

}  // namespace corank::mutation
