// What of a graph the accelerator can run.
#pragma once

#include <string>

#include "models/graph/graph.h"

namespace corank {

/// Throws the InputError "VALUE: the accelerator does not run the op OP yetREASON".
[[noreturn]] void refuse_op(const Graph& graph, const Op& op, const std::string& reason);

/// Throws InputError at the first op that the commands of the accelerator cannot express.
void check_supported(const Graph& graph);

}  // namespace corank
