#include "models/graph/def_use.h"

namespace corank {

DefUse::DefUse(const Graph& graph) : writer(graph.values.size(), -1), readers(graph.values.size()) {
  for (int op = 0; op < static_cast<int>(graph.ops.size()); ++op) {
    const Op& node = graph.ops[static_cast<std::size_t>(op)];
    for (const ValueId id : results_of(node)) writer[static_cast<std::size_t>(id)] = op;
    for (const ValueId id : operands_of(node)) {
      std::vector<int>& of_value = readers[static_cast<std::size_t>(id)];
      if (of_value.empty() || of_value.back() != op) of_value.push_back(op);
    }
  }
}

std::vector<std::size_t> last_uses(const Graph& graph) {
  std::vector<std::size_t> last(graph.values.size());
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    for (const ValueId id : operands_of(graph.ops[i])) last[static_cast<std::size_t>(id)] = i;
    for (const ValueId id : results_of(graph.ops[i])) last[static_cast<std::size_t>(id)] = i;
  }
  return last;
}

}  // namespace corank
