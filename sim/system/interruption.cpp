#include "sim/system/interruption.h"

#include <unistd.h>

#include <cstring>
#include <initializer_list>

#include "sim/system/output_file.h"

namespace corank {
namespace {

constexpr std::initializer_list<int> kInterruptions = {SIGINT, SIGTERM, SIGHUP};
constexpr int kMachineFault = 3;  // exit code, as for a MachineError

// Read and written by a signal handler.
volatile sig_atomic_t noted = 0;    // the signal; 0: none
volatile sig_atomic_t orderly = 0;  // living OrderlyEnds

[[noreturn]] void end_at_once(const char* line, int exit_code) {
  remove_temporary_files();
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, std::strlen(line));
  _exit(exit_code);
}

void on_interruption(int signal) {
  if (orderly > 0 && noted == 0) {
    noted = signal;
    return;
  }
  end_at_once("corank: interrupted\n", 128 + signal);
}

void on_bus_error(int /*signal*/) {
  end_at_once(
      "corank: a file in use has no more bytes where there were some: it was cut, or its disk is "
      "full\n",
      kMachineFault);
}

}  // namespace

void handle_signals() {
  for (const int signal : kInterruptions) {
    struct sigaction action {};
    const bool known = sigaction(signal, nullptr, &action) == 0;
    if (signal == SIGHUP && known && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = on_interruption;  // without SA_RESTART: who waits for a pipe is woken
    sigaction(signal, &action, nullptr);
  }
  signal(SIGBUS, on_bus_error);
}

OrderlyEnd::OrderlyEnd() { orderly = orderly + 1; }
OrderlyEnd::~OrderlyEnd() { orderly = orderly - 1; }

SignalsHeld::SignalsHeld() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : kInterruptions) sigaddset(&held, signal);
  sigprocmask(SIG_BLOCK, &held, &before_);
}

SignalsHeld::~SignalsHeld() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

bool interrupted() { return noted != 0; }

int exit_code_of_interruption() { return 128 + noted; }

}  // namespace corank
