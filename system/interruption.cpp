#include "system/interruption.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace corank {
namespace {

// Read and written by a signal handler.
volatile sig_atomic_t noted = 0;    // the signal; 0: none
volatile sig_atomic_t orderly = 0;  // living OrderlyEnds

void on_signal(int signal) {
  if (orderly > 0 && noted == 0) {
    noted = signal;
    return;
  }
  constexpr char kLine[] = "corank: interrupted\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kLine, sizeof kLine - 1);
  _exit(128 + signal);
}

}  // namespace

void handle_interruptions() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    const bool known = sigaction(signal, nullptr, &action) == 0;
    if (signal == SIGHUP && known && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = on_signal;  // without SA_RESTART: who waits for a pipe is woken
    sigaction(signal, &action, nullptr);
  }
}

OrderlyEnd::OrderlyEnd() { orderly = orderly + 1; }
OrderlyEnd::~OrderlyEnd() { orderly = orderly - 1; }

bool interrupted() { return noted != 0; }

int exit_code_of_interruption() { return 128 + noted; }

}  // namespace corank
