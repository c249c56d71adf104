// A signal may come between any two instructions. What it can find half done changes with system
// calls alone, so the tests send one after each of them, one by one.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>

#include "sim/system/interruption.h"
#include "sim/system/output_file.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
namespace fs = std::filesystem;

namespace {

constexpr int kNotTraced = 77;

/// Does the work in a process that this one traces.
pid_t start_traced(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
  handle_signals();
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotTraced);
  raise(SIGSTOP);
  work();
  _exit(0);
}

/// Does the work in a process that gets SIGTERM after so many of its system calls; returns its exit
/// code, 128 + the signal that ended it, or kNotTraced.
int signalled_after(int system_calls, const std::function<void()>& work) {
  const pid_t child = start_traced(work);
  int status = 0, stops = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status))
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  while (WIFSTOPPED(status)) {
    const int reason = WSTOPSIG(status);
    const bool at_system_call = reason == (SIGTRAP | 0x80);
    // Two stops a call, before it and after it.
    if (at_system_call && ++stops == 2 * system_calls) kill(child, SIGTERM);
    const bool passed_on = !at_system_call && reason != SIGSTOP && reason != SIGTRAP;
    ptrace(PTRACE_SYSCALL, child, nullptr, passed_on ? reason : 0);
    waitpid(child, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int count_temporaries(const std::string& folder) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    count += entry.path().filename().string().rfind(".corank-", 0) == 0;
  return count;
}

}  // namespace

TEST_CASE("Whenever a signal comes, a file is whole or not there, and nothing else stays") {
  constexpr int kMostCalls = 1000;
  int calls = 0, whole = 0, ended = 0, exit_code = -1;
  while (exit_code != 0 && ++calls < kMostCalls) {
    const TemporaryFolder folder;
    const std::string path = folder.file("new/deep/result");
    exit_code = signalled_after(calls, [&] {
      const OutputFolder made(folder.file("new/deep"));
      OutputFile file(path);
      file.write("whole");
      file.finish();
    });
    if (exit_code == kNotTraced) {
      WARN("this system does not let a process be traced");
      return;
    }
    INFO("after " << calls << " system calls");
    CHECK((exit_code == 0 || exit_code == 128 + SIGTERM));
    CHECK(count_temporaries(folder.file("")) == 0);
    if (fs::exists(path)) {
      CHECK(content_of(path) == "whole");
      ++whole;
    } else {
      CHECK_FALSE(fs::exists(folder.file("new")));
      ++ended;
    }
  }
  CHECK(exit_code == 0);  // there were signals after all of its calls
  CHECK(whole > 0);
  CHECK(ended > 5);
}
