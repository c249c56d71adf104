// Runs a program as a user does, and keeps what it says.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace corank::test {

struct ProgramResult {
  int exit_code = -1;  // -1: ended by a signal, or by the time limit
  std::string out, err;
};

/// Runs `program` with these arguments and additional variables of the environment, its standard
/// input empty. Ends it after `seconds`.
ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                          const std::map<std::string, std::string>& environment = {},
                          int seconds = 300);

}  // namespace corank::test
