#include "models/graph/fused_copies.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "models/graph/def_use.h"

namespace corank {
namespace {

// The ops so that each comes behind those whose results it reads, of the ones that may be next the
// first; none if some read each other's results in a circle.
std::optional<std::vector<Op>> in_order(const Graph& graph) {
  const DefUse uses(graph);
  std::vector<std::vector<std::size_t>> behind(graph.ops.size());
  std::vector<int> missing(graph.ops.size(), 0);
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t op = 0; op < graph.ops.size(); ++op) {
    for (const ValueId id : operands_of(graph.ops[op])) {
      const int writer = uses.writer[static_cast<std::size_t>(id)];
      if (writer < 0) continue;
      behind[static_cast<std::size_t>(writer)].push_back(op);
      ++missing[op];
    }
    if (missing[op] == 0) ready.push(op);
  }
  std::vector<Op> ops;
  while (!ready.empty()) {
    const std::size_t op = ready.top();
    ready.pop();
    ops.push_back(graph.ops[op]);
    for (const std::size_t other : behind[op])
      if (--missing[other] == 0) ready.push(other);
  }
  if (ops.size() < graph.ops.size()) return std::nullopt;
  return ops;
}

// The op that is to make the copy, with the copy as its result; none if there is no such op.
std::optional<std::pair<std::size_t, Op>> with_copy(const Graph& graph, const DefUse& uses,
                                                    const Convert& copy) {
  const auto in = static_cast<std::size_t>(copy.in);
  if (const int writer = uses.writer[in]; writer >= 0) {
    const auto place = static_cast<std::size_t>(writer);
    const auto* softmax = std::get_if<Softmax>(&graph.ops[place]);
    if (softmax != nullptr && softmax->out == copy.in && !softmax->largest && !softmax->narrow) {
      Softmax with = *softmax;
      with.narrow = copy.out;
      return std::pair(place, Op(with));
    }
  }
  for (const int reader : uses.readers[in]) {
    const auto place = static_cast<std::size_t>(reader);
    const auto* gradient = std::get_if<SoftmaxGradient>(&graph.ops[place]);
    if (gradient == nullptr || gradient->probabilities != copy.in || gradient->narrow) continue;
    SoftmaxGradient with = *gradient;
    with.narrow = copy.out;
    return std::pair(place, Op(with));
  }
  return std::nullopt;
}

}  // namespace

void fuse_copies(Graph& graph) {
  std::vector<ValueId> refused;
  while (true) {
    const DefUse uses(graph);
    std::optional<std::pair<std::size_t, Op>> maker;
    const auto copy = std::find_if(graph.ops.begin(), graph.ops.end(), [&](const Op& op) {
      const auto* convert = std::get_if<Convert>(&op);
      if (convert == nullptr ||
          std::find(refused.begin(), refused.end(), convert->out) != refused.end())
        return false;
      maker = with_copy(graph, uses, *convert);
      return maker.has_value();
    });
    if (copy == graph.ops.end()) return;
    const ValueId out = results_of(*copy).front();
    const std::vector<Op> before = graph.ops;
    graph.ops[maker->first] = maker->second;
    graph.ops.erase(copy);
    if (std::optional<std::vector<Op>> ops = in_order(graph)) {
      graph.ops = std::move(*ops);
    } else {
      graph.ops = before;
      refused.push_back(out);
    }
  }
}

}  // namespace corank
