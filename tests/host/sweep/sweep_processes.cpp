#include "tests/host/sweep/sweep_processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace corank::test {

namespace fs = std::filesystem;

Background::Background(const std::vector<std::string>& command,
                       const std::map<std::string, std::string>& environment) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  process_ = fork();
  REQUIRE(process_ >= 0);
  if (process_ > 0) return;
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, stream);
  execvp(words[0], words.data());
  _exit(127);
}

Background::~Background() {
  if (!ended()) kill_with(SIGKILL);
  wait();
}

bool Background::ended() {
  if (!ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
  return ended_;
}

int Background::wait() {
  while (!ended_) ended_ = waitpid(process_, &status_, 0) == process_ || errno != EINTR;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

void Background::kill_with(int signal) const { kill(process_, signal); }

std::vector<pid_t> children_of(pid_t process) {
  const std::string id = std::to_string(process);
  std::istringstream list(content_of("/proc/" + id + "/task/" + id + "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

std::vector<pid_t> processes_with(const std::vector<std::string>& words) {
  std::string line(1, '\0');
  for (const std::string& word : words) line += word + '\0';
  std::vector<pid_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); }))
      continue;
    if (content_of(entry.path().string() + "/cmdline").find(line) != std::string::npos)
      found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

int kills_asked_for() {
  const char* asked = std::getenv("CORANK_KILLS");
  return asked == nullptr ? 3 : std::atoi(asked);
}

std::string write_small_sweep(const TemporaryFolder& folder, const std::string& more) {
  // Long enough for the kills.
  const std::string bandwidths =
      kills_asked_for() <= 3 ? "[16, 64]" : "{from: 16, to: 64, step: 4}";
  return folder.write(
      "small.yaml",
      "name: small\n"
      "configuration: " +
          std::string(CORANK_CONFIGS) +
          "/cycle.yaml\n"
          "workloads:\n"
          "  - name: layer\n"
          "    set:\n"
          "      workload.shapes: {tokens: 16, layers: [{in: 64, out: 64, rank: 4}]}\n"
          "axes:\n"
          "  accelerator.array.rows: [8, 16, 32]\n"
          "  accelerator.array.columns: [8, 16, 32]\n"
          "  accelerator.scratchpad.kib: [64, 128]\n"
          "  memory.bandwidth_gb_per_s: " +
          bandwidths +
          "\n"
          "derived:\n"
          "  accelerator.vector.lanes: min(accelerator.array.rows, 16)\n"
          "constraints:\n"
          "  - accelerator.array.rows * accelerator.array.columns <= 512\n"
          "objectives: [time, energy, area]\n" +
          more);
}

ProgramResult corank(const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& environment) {
  return run_program(CORANK_PROGRAM, arguments, environment, 120);
}

std::size_t stored_lines(const std::string& sweep_folder) {
  std::size_t lines = 0;
  std::error_code error;
  for (fs::directory_iterator entry(sweep_folder + "/runs", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string text = content_of(entry->path().string());
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  return lines;
}

std::string csv_of(const TemporaryFolder& folder, const std::string& sweep_folder) {
  const std::string file = folder.file("export.csv");
  const ProgramResult result = corank({"sweep", "export", sweep_folder, "--csv", file});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return content_of(file);
}

}  // namespace corank::test
