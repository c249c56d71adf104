// Another program, run to its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace corank {

struct ProgramOutput {
  std::string out, err;
  std::string failure;  // "exit code 1", "signal 9 (Killed)", "cannot be started: ..."; "": none
};

/// Runs command[0], found in PATH, with the rest as its arguments; its standard input is empty, its
/// words are those of the C locale. `waiting` is called some times a second until it ends; what
/// that throws comes out, once the program and all that it started have been ended. Throws
/// MachineError if the operating system has no more files.
ProgramOutput run_program(const std::vector<std::string>& command,
                          const std::function<void()>& waiting = nullptr);

}  // namespace corank
