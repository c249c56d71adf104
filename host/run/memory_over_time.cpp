#include "host/run/memory_over_time.h"

#include <algorithm>
#include <cstdint>

#include "host/compiler/memory_map.h"
#include "host/compiler/views.h"

namespace corank {
namespace {

// By stage: bytes of intermediates that are alive in it. What is a view lies in another's place.
std::vector<std::uint64_t> alive_bytes(const Plan& plan, const Graph& graph) {
  constexpr std::size_t kNever = ~std::size_t{0};
  std::vector<std::size_t> first(graph.values.size(), kNever), last(graph.values.size(), 0);
  for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
    for (const int op : plan.stages[stage].ops()) {
      const auto use = [&](ValueId id) {
        const auto place = static_cast<std::size_t>(root_of(plan.view_of, id));
        first[place] = std::min(first[place], stage);
        last[place] = stage;
      };
      const Op& at = graph.ops[static_cast<std::size_t>(op)];
      for (const ValueId id : operands_of(at)) use(id);
      for (const ValueId id : results_of(at)) use(id);
    }
  }
  std::vector<std::int64_t> change(plan.stages.size() + 1, 0);
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].role != Role::kIntermediate || first[id] == kNever || plan.local[id])
      continue;
    const auto bytes = static_cast<std::int64_t>(whole_pages(plan.layouts[id].bytes()));
    change[first[id]] += bytes;
    change[last[id] + 1] -= bytes;
  }
  std::vector<std::uint64_t> alive;
  std::int64_t now = 0;
  for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
    now += change[stage];
    alive.push_back(static_cast<std::uint64_t>(now));
  }
  return alive;
}

// By stage: the end of its last command, in cycles from the step's first one.
std::vector<std::int64_t> ends_of(const PreparedProgram& prepared, const Simulated& simulated) {
  std::vector<std::int64_t> of_op(prepared.program.graph.ops.size(), 0);
  std::int64_t begin = -1;
  for (const TraceEvent& event : simulated.platform.trace) {
    if (begin < 0 || event.start < begin) begin = event.start;
    const int op = prepared.step.commands[event.command].op;
    if (op < 0) continue;
    std::int64_t& end = of_op[static_cast<std::size_t>(op)];
    end = std::max(end, event.end);
  }
  std::vector<std::int64_t> ends;
  std::int64_t end = begin;
  for (const Stage& stage : prepared.step.plan.stages) {
    for (const int op : stage.ops()) end = std::max(end, of_op[static_cast<std::size_t>(op)]);
    ends.push_back(end - begin);
  }
  return ends;
}

}  // namespace

std::vector<MemoryPoint> memory_over_time(const PreparedProgram& prepared,
                                          const Simulated& simulated) {
  const Plan& plan = prepared.step.plan;
  const Graph& graph = prepared.program.graph;
  const std::vector<std::uint64_t> alive = alive_bytes(plan, graph);
  const std::vector<std::int64_t> ends = ends_of(prepared, simulated);
  if (alive.empty()) return {};
  const auto largest =
      static_cast<std::size_t>(std::max_element(alive.begin(), alive.end()) - alive.begin());
  // A point where more than this has changed since the last one.
  const std::uint64_t step = alive[largest] * 4 / kMostMemoryPoints;
  std::vector<MemoryPoint> points;
  std::uint64_t before = 0;
  for (std::size_t stage = 0; stage < alive.size(); ++stage) {
    const std::uint64_t change =
        alive[stage] > before ? alive[stage] - before : before - alive[stage];
    const bool is_end = stage + 1 == alive.size();
    const bool has_room = points.size() + 2 < kMostMemoryPoints;
    if (stage != largest && !is_end && (change <= step || !has_room)) continue;
    before = alive[stage];
    const Op& op = graph.ops[static_cast<std::size_t>(plan.stages[stage].op)];
    points.push_back(
        {static_cast<std::uint64_t>(ends[stage]), result_name(graph, op), alive[stage]});
  }
  return points;
}

}  // namespace corank
