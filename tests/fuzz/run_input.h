// Runs the program on an input, as a process of its own with limits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/input.h"

namespace corank::fuzz {

constexpr std::int64_t kMostMib = 2048;  // of address space
constexpr int kMostSeconds = 20;         // of CPU time
/// What computes for longer is told to stop, as by Ctrl-C: an input may ask for more work than a
/// fuzzer has time for.
constexpr int kSecondsToInterrupt = 2;

struct Outcome {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;
  bool interrupted = false;
  std::string out, err;
  double seconds = 0;  // of CPU time
  std::int64_t peak_mib = 0;
  std::vector<std::string> left;  // paths in the folder that are no files of the input
};

/// Writes the files of an input into a folder, which is made for it.
void write_files(const Input& input, const std::string& folder);

/// Runs the main function of corank in a child of this process that has the folder as its working
/// directory. This process must have no other thread.
Outcome run_input(const Input& input, const std::string& folder);

/// The command of a shell that runs the input in its folder, with the program as `corank`.
std::string command_of(const Input& input);

}  // namespace corank::fuzz
