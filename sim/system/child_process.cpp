#include "sim/system/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "models/base/error.h"

extern char** environ;

namespace corank {
namespace {

// A file in memory, which takes any amount of text while nobody reads.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& program) : file_(memfd_create("corank", MFD_CLOEXEC)) {
    if (file_ < 0) throw MachineError(program + " cannot be started: " + std::strerror(errno));
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int file() const { return file_; }
  std::string text() const {
    std::string text;
    char block[4096];
    for (ssize_t n; (n = pread(file_, block, sizeof block, static_cast<off_t>(text.size()))) > 0;)
      text.append(block, static_cast<std::size_t>(n));
    return text;
  }

 private:
  int file_;
};

// Without the user's locale, of which perl (Verilator) may complain, and without what an outer make
// hands down to an inner one.
std::vector<std::string> plain_environment() {
  std::vector<std::string> plain = {"LC_ALL=C"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    bool kept = name.substr(0, 3) != "LC_";
    for (const char* other :
         {"LANG", "LANGUAGE", "MAKEFLAGS", "MFLAGS", "MAKEFILES", "MAKELEVEL", "GNUMAKEFLAGS"})
      kept = kept && name != other;
    if (kept) plain.emplace_back(text);
  }
  return plain;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

// A program in a process group of its own, with all that it starts; ended with this object.
class Child {
 public:
  Child(const std::vector<std::string>& command, int out, int err) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ})
      sigaddset(&defaults, signal);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    const std::vector<std::string> environment = plain_environment();
    problem_ = posix_spawnp(&process_, command[0].c_str(), &files, &attributes,
                            pointers(command).data(), pointers(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  ~Child() {
    if (problem_ != 0 || ended_) return;
    kill(-process_, SIGKILL);
    while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool ended() {
    if (problem_ == 0 && !ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
    return problem_ != 0 || ended_;
  }
  std::string failure() const {
    if (problem_ != 0) return std::string("cannot be started: ") + std::strerror(problem_);
    if (WIFSIGNALED(status_))
      return "signal " + std::to_string(WTERMSIG(status_)) + " (" + strsignal(WTERMSIG(status_)) +
             ")";
    return WEXITSTATUS(status_) == 0 ? "" : "exit code " + std::to_string(WEXITSTATUS(status_));
  }

 private:
  pid_t process_ = -1;
  int problem_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace

ProgramOutput run_program(const std::vector<std::string>& command,
                          const std::function<void()>& waiting) {
  const MemoryFile out(command[0]), err(command[0]);
  Child child(command, out.file(), err.file());
  // Most are short; of the long ones nobody needs to know at once that they have ended.
  auto pause = std::chrono::milliseconds(1);
  while (!child.ended()) {
    if (waiting) waiting();
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(50));
  }
  return {out.text(), err.text(), child.failure()};
}

}  // namespace corank
