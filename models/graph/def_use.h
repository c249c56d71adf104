// Who computes and who reads each value of a graph.
#pragma once

#include <cstddef>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

struct DefUse {
  explicit DefUse(const Graph& graph);

  std::vector<int> writer;                // by ValueId: the op that computes it, -1: none does
  std::vector<std::vector<int>> readers;  // by ValueId: ops in their order, each once
};

/// By ValueId: whether it is fed, or computed of what is: it differs between micro-batches.
std::vector<bool> depend_on_feeds(const Graph& graph);

/// By ValueId: the last op that computes or reads it; 0 where none does.
std::vector<std::size_t> last_uses(const Graph& graph);

}  // namespace corank
