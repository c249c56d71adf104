#include "host/run/alive_values.h"

#include <algorithm>

#include "host/compiler/memory_map.h"
#include "host/compiler/views.h"
#include "models/graph/account.h"

namespace corank {
namespace {

bool is_backward(Pass pass) {
  return pass == Pass::kInputGradient || pass == Pass::kWeightGradient || pass == Pass::kRecompute;
}

// `ops_at(step)` are carried out in one of so many steps; value `id` lies in the place of
// `root_of(id)`, which takes `bytes_of` it: 0 of what has no place.
template <class OpsAt, class RootOf, class BytesOf>
std::vector<AliveBytes> alive_bytes(const Graph& graph, std::size_t steps, const OpsAt& ops_at,
                                    const RootOf& root_of, const BytesOf& bytes_of) {
  constexpr std::size_t kNever = ~std::size_t{0};
  std::vector<std::size_t> first(graph.values.size(), kNever), last(graph.values.size(), 0);
  for (std::size_t step = 0; step < steps; ++step) {
    for (const int op : ops_at(step)) {
      const auto use = [&](ValueId id) {
        const auto place = static_cast<std::size_t>(root_of(id));
        first[place] = std::min(first[place], step);
        last[place] = step;
      };
      const Op& at = graph.ops[static_cast<std::size_t>(op)];
      for (const ValueId id : operands_of(at)) use(id);
      for (const ValueId id : results_of(at)) use(id);
    }
  }
  const std::vector<bool> kept = kept_for_backward(graph);
  std::vector<bool> in_stash(graph.values.size(), false);
  for (std::size_t id = 0; id < graph.values.size(); ++id)
    if (kept[id]) in_stash[static_cast<std::size_t>(root_of(static_cast<ValueId>(id)))] = true;
  // What comes at each step, and what is gone behind the last one of its uses.
  std::vector<AliveBytes> come(steps + 1), gone(steps + 1);
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].role != Role::kIntermediate || first[id] == kNever) continue;
    const auto kind = in_stash[id] ? &AliveBytes::stash : &AliveBytes::activations;
    const std::uint64_t bytes = bytes_of(static_cast<ValueId>(id));
    come[first[id]].*kind += bytes;
    gone[last[id] + 1].*kind += bytes;
  }
  std::vector<AliveBytes> alive;
  AliveBytes now;
  for (std::size_t step = 0; step < steps; ++step) {
    now.stash += come[step].stash - gone[step].stash;
    now.activations += come[step].activations - gone[step].activations;
    alive.push_back(now);
  }
  return alive;
}

}  // namespace

std::vector<bool> kept_for_backward(const Graph& graph) {
  std::vector<bool> forward(graph.values.size(), false), kept(graph.values.size(), false);
  for (const Op& op : graph.ops) {
    if (origin_of(graph, op).kind.pass != Pass::kForward || copies_parameter(graph, op)) continue;
    for (const ValueId id : results_of(op))
      forward[static_cast<std::size_t>(id)] = graph.value(id).role == Role::kIntermediate;
  }
  for (const Op& op : graph.ops) {
    if (!is_backward(origin_of(graph, op).kind.pass)) continue;
    for (const ValueId id : operands_of(op))
      kept[static_cast<std::size_t>(id)] = forward[static_cast<std::size_t>(id)];
  }
  return kept;
}

std::vector<AliveBytes> alive_by_stage(const Plan& plan, const Graph& graph) {
  return alive_bytes(
      graph, plan.stages.size(), [&](std::size_t stage) { return plan.stages[stage].ops(); },
      [&](ValueId id) { return root_of(plan.view_of, id); },
      [&](ValueId id) {
        const auto place = static_cast<std::size_t>(id);
        return plan.local[place] ? 0 : whole_pages(plan.bytes_of(place));
      });
}

std::vector<AliveBytes> alive_by_op(const Graph& graph) {
  return alive_bytes(
      graph, graph.ops.size(),
      [](std::size_t op) { return std::vector<int>{static_cast<int>(op)}; },
      [](ValueId id) { return id; },
      [&](ValueId id) { return static_cast<std::uint64_t>(stored_bytes(graph.value(id))); });
}

std::size_t fullest(const std::vector<AliveBytes>& alive) {
  const auto most =
      std::max_element(alive.begin(), alive.end(),
                       [](const AliveBytes& a, const AliveBytes& b) { return a.all() < b.all(); });
  return static_cast<std::size_t>(most - alive.begin());
}

}  // namespace corank
