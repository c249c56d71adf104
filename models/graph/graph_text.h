// A graph as text, for `corank compile --print graph`.
#pragma once

#include <string>

#include "models/graph/graph.h"

namespace corank {

/// The values that no op computes, a line each, then the ops in their order:
/// "y BF16[64, 384] result = contraction(x, weight, u, lora_B.bf16)".
std::string to_text(const Graph& graph);

}  // namespace corank
