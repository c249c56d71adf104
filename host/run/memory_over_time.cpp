#include "host/run/memory_over_time.h"

#include <algorithm>
#include <cstdint>

#include "host/run/device_memory.h"

namespace corank {
namespace {

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

std::uint64_t difference(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

// The first stage, the fullest one, the last one, and those in which more than `least` bytes have
// come or gone since the one before.
std::vector<std::size_t> stages_with(const std::vector<AliveBytes>& alive, std::uint64_t least) {
  const std::size_t largest = fullest(alive);
  std::vector<std::size_t> stages;
  for (std::size_t stage = 0; stage < alive.size(); ++stage) {
    const bool is_fixed = stage == 0 || stage == largest || stage + 1 == alive.size();
    if (!is_fixed) {
      const AliveBytes &before = alive[stages.back()], &now = alive[stage];
      const std::uint64_t change =
          difference(before.stash, now.stash) + difference(before.activations, now.activations);
      if (change <= least) continue;
    }
    stages.push_back(stage);
  }
  return stages;
}

}  // namespace

std::vector<std::size_t> stages_of_changes(const std::vector<AliveBytes>& alive) {
  std::vector<std::size_t> stages = stages_with(alive, 0);
  for (std::uint64_t least = 1; stages.size() > kMostMemoryPoints; least *= 2)
    stages = stages_with(alive, least);
  return stages;
}

std::vector<MemoryPoint> memory_over_time(const PreparedProgram& prepared,
                                          const Simulated& simulated,
                                          const std::vector<RoleBytes>& memory) {
  const Plan& plan = prepared.step.plan;
  const Graph& graph = prepared.program.graph;
  const std::vector<AliveBytes> alive = alive_by_stage(plan, graph);
  const std::vector<std::int64_t> ends = ends_of(prepared, simulated);
  std::vector<MemoryPoint> points;
  for (const std::size_t stage : stages_of_changes(alive)) {
    const Op& op = graph.ops[static_cast<std::size_t>(plan.stages[stage].op)];
    points.push_back({static_cast<std::uint64_t>(ends[stage]), result_name(graph, op),
                      memory_when(memory, alive[stage])});
  }
  return points;
}

}  // namespace corank
