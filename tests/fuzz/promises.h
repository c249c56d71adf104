// What corank promises for any input: the exit codes of design, a message that a user can use, and
// nothing half-written.
#pragma once

#include <string>

#include "tests/fuzz/input.h"
#include "tests/fuzz/run_input.h"

namespace corank::fuzz {

/// The promise that was not kept, in words; "" if all were.
std::string broken_promise(const Input& input, const Outcome& outcome);

}  // namespace corank::fuzz
