#include "models/graph/def_use.h"

#include <algorithm>

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

std::vector<bool> depend_on_feeds(const Graph& graph) {
  std::vector<bool> depends;
  for (const Value& value : graph.values) depends.push_back(is_fed(value));
  for (const Op& op : graph.ops) {
    const std::vector<ValueId> operands = operands_of(op);
    const bool any = std::any_of(operands.begin(), operands.end(),
                                 [&](ValueId id) { return depends[static_cast<std::size_t>(id)]; });
    for (const ValueId id : results_of(op)) depends[static_cast<std::size_t>(id)] = any;
  }
  return depends;
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
