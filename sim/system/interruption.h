// The user's wish to end the program: Ctrl-C (SIGINT), and SIGTERM and SIGHUP alike.
#pragma once

#include <signal.h>

#include <exception>

namespace corank {

/// Thrown where work is given up because of interrupted(). Nothing of that work is left.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

/// From now on such a signal ends the program with one line and exit code 128 + signal, as shells
/// say it: at once, or in order while an OrderlyEnd lives. A SIGHUP that is ignored stays
/// ignored (nohup). Nor does a mapped file that was cut (SIGBUS) end it without a word.
void handle_signals();

/// While one of these lives, a signal is only noted, for whoever asks interrupted(). A second one
/// ends the program at once.
class OrderlyEnd {
 public:
  OrderlyEnd();
  ~OrderlyEnd();
  OrderlyEnd(const OrderlyEnd&) = delete;
  OrderlyEnd& operator=(const OrderlyEnd&) = delete;
};

/// While one of these lives, such a signal waits: between two things of which neither may be done
/// without the other.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

/// Whether a signal has been noted.
bool interrupted();

/// 128 + the signal that was noted.
int exit_code_of_interruption();

}  // namespace corank
