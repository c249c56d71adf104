#include "tests/fuzz/run_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

int corank_main(int argc, char** argv);  // main() of host/main.cpp

namespace corank::fuzz {
namespace {

namespace fs = std::filesystem;

/// A file in memory that a child can write and its parent read.
class Stream {
 public:
  explicit Stream(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("no file in memory");
  }
  ~Stream() { close(descriptor_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int descriptor() const { return descriptor_; }

  std::string content() const {
    std::string text(static_cast<std::size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    if (pread(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("what the program said cannot be read");
    return text;
  }

 private:
  int descriptor_;
};

void limit(__rlimit_resource resource, rlim_t most) {
  const rlimit both{most, most};
  setrlimit(resource, &both);
}

[[noreturn]] void be_the_program(const Input& input, const std::string& folder, const Stream& out,
                                 const Stream& err) {
  for (const auto& [name, value] : input.environment) setenv(name.c_str(), value.c_str(), 1);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  dup2(out.descriptor(), STDOUT_FILENO);
  dup2(err.descriptor(), STDERR_FILENO);
  if (chdir(folder.c_str()) != 0) _exit(127);
#if !defined(__SANITIZE_ADDRESS__)  // the sanitizer's shadow takes terabytes of addresses
  limit(RLIMIT_AS, static_cast<rlim_t>(kMostMib) << 20);
#endif
  limit(RLIMIT_CPU, kMostSeconds);
  limit(RLIMIT_CORE, 0);
  std::vector<std::string> words = input.arguments;
  words.insert(words.begin(), "corank");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::exit(corank_main(static_cast<int>(words.size()), arguments.data()));
}

/// Whether the child ended within so many seconds.
bool ends_within(int child_descriptor, int seconds) {
  pollfd wait{child_descriptor, POLLIN, 0};
  return poll(&wait, 1, seconds * 1000) == 1;
}

void wait_for(pid_t child, Outcome& outcome) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (descriptor < 0) throw std::runtime_error("a child process cannot be waited for");
  if (!ends_within(descriptor, kSecondsToInterrupt)) {
    outcome.interrupted = true;
    kill(child, SIGINT);
    // The limit of CPU time comes first, unless it waits for something.
    if (!ends_within(descriptor, 15 * kMostSeconds)) kill(child, SIGKILL);
  }
  close(descriptor);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  outcome.seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  outcome.peak_mib = usage.ru_maxrss / 1024;
}

std::vector<std::string> new_files(const Input& input, const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = fs::relative(entry.path(), folder).string();
    const auto same = input.files.lower_bound(path);
    const bool given = same != input.files.end() && same->first.rfind(path, 0) == 0;
    if (!given) found.push_back(path);
  }
  return found;
}

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

}  // namespace

void write_files(const Input& input, const std::string& folder) {
  fs::create_directories(folder);
  for (const auto& [name, content] : input.files) {
    const fs::path path = fs::path(folder) / name;
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file << content;
    if (!file.flush()) throw std::runtime_error(path.string() + " cannot be written");
  }
}

Outcome run_input(const Input& input, const std::string& folder) {
  const Stream out("out"), err("err");
  std::fflush(nullptr);  // or the child would write it again
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) be_the_program(input, folder, out, err);
  Outcome outcome;
  wait_for(child, outcome);
  outcome.out = out.content();
  outcome.err = err.content();
  outcome.left = new_files(input, folder);
  return outcome;
}

std::string command_of(const Input& input) {
  std::string command;
  for (const auto& [name, value] : input.environment) command += name + "=" + quoted(value) + " ";
  command += "\"$corank\"";
  for (const std::string& argument : input.arguments) command += " " + quoted(argument);
  return command;
}

}  // namespace corank::fuzz
