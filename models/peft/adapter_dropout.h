// The dropout of what an adapter reads.
#pragma once

#include <cstdint>
#include <string>

#include "models/graph/graph.h"

namespace corank {

struct AdapterDropout {
  double rate = 0;
  std::uint64_t seed = 0, stream = 0;  // models/ops/dropout.h defines the mask
  ValueId step = -1;
};

/// With the input dropout_step, if there is a dropout at all. Throws InputError, naming the method,
/// for a rate that is not from 0 to below 1.
AdapterDropout adapter_dropout(Graph& graph, double rate, std::uint64_t seed, const char* method);

/// x, or what the dropout leaves of it, which is named `name`.
ValueId add_dropped(Graph& graph, const std::string& name, ValueId x,
                    const AdapterDropout& dropout);

}  // namespace corank
