// A machine through the synthesis tools: host/cost/synthesis/synthesize.py and what it says.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/machine/shape.h"

namespace corank {

struct SynthesisOptions {
  std::string target = "osu018";
  bool quiet = false;          // no progress line (there is none in a pipe anyway)
  std::function<bool()> stop;  // asked some times a second: whether to give up
  std::string route;           // of ecp5: place and route its units, each by itself
};

/// What the script prints (its README says what is in it), from the cache where it is known. Throws
/// InputError that says what to install if a tool is missing, MachineError if one fails.
nlohmann::json synthesise(const MachineShape& shape, const SynthesisOptions& options);

}  // namespace corank
