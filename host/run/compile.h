// What the compiler decided for the step of a configuration, as text.
#pragma once

#include <string>

#include "host/config/config.h"

namespace corank {

enum class CompilerOutput { kGraph, kPlan, kCommands };

/// The workload's op graph; the plan of its step on the configuration's machine; or its commands, a
/// line each with those that it waits for. Throws InputError as a run does.
std::string compile_to_text(const Config& config, CompilerOutput output);

}  // namespace corank
