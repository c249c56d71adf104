#include "host/run/device_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/compiler/memory_map.h"

namespace corank {
namespace {

// What values are in device memory, by place_of() their role.
std::vector<RoleBytes> kinds_of_values() {
  return {{"frozen", 0},      {"adapter", 0}, {"optimizer", 0},
          {"activations", 0}, {"results", 0}, {"fed", 0}};
}

std::size_t place_of(Role role) {
  switch (role) {
    case Role::kFrozen:
      return 0;
    case Role::kTrainable:
      return 1;
    case Role::kState:
      return 2;
    case Role::kIntermediate:
      return 3;
    case Role::kResult:
      return 4;
    case Role::kConstants:
    case Role::kInput:
      break;
  }
  return 5;
}

std::vector<bool> next_of_states(const Graph& graph, const std::vector<State>& states) {
  std::vector<bool> is_next(graph.values.size(), false);
  for (const State& state : states) is_next[static_cast<std::size_t>(state.next)] = true;
  return is_next;
}

std::uint64_t raw_bytes_of(const Value& value) {
  return static_cast<std::uint64_t>(element_count(value.shape)) * bytes_of(value.dtype);
}

// The most bytes of intermediates that are alive at a time, in the order of the graph.
std::uint64_t most_intermediates(const Graph& graph) {
  std::vector<std::size_t> last(graph.values.size(), 0);
  for (std::size_t op = 0; op < graph.ops.size(); ++op)
    for (const ValueId id : operands_of(graph.ops[op])) last[static_cast<std::size_t>(id)] = op;
  std::vector<std::uint64_t> freed(graph.ops.size(), 0);
  std::uint64_t alive = 0, most = 0;
  for (std::size_t op = 0; op < graph.ops.size(); ++op) {
    for (const ValueId id : results_of(graph.ops[op])) {
      if (graph.value(id).role != Role::kIntermediate) continue;
      const std::uint64_t bytes = raw_bytes_of(graph.value(id));
      alive += bytes;
      freed[std::max(op, last[static_cast<std::size_t>(id)])] += bytes;
    }
    most = std::max(most, alive);
    alive -= freed[op];
  }
  return most;
}

}  // namespace

std::vector<RoleBytes> values_by_role(const Plan& plan, const Graph& graph) {
  const std::vector<bool> is_next = next_of_states(graph, plan.states);
  std::vector<RoleBytes> roles = kinds_of_values();
  std::uint64_t others = 0;  // than activations, which share theirs
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Role role = graph.values[id].role;
    if (role == Role::kConstants || role == Role::kIntermediate || is_next[id] || plan.streamed[id])
      continue;
    const std::uint64_t bytes = whole_pages(plan.layouts[id].bytes());
    roles[place_of(role)].bytes += bytes;
    others += bytes;
  }
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < plan.extras.size(); ++i)
    if (!plan.extras[i].contents.empty())
      tables += whole_pages(plan.layouts[graph.values.size() + i].bytes());
  roles[place_of(Role::kIntermediate)].bytes =
      whole_pages(plan.values_end) - plan.values_begin - others - tables;
  roles.push_back({"tables", tables});
  roles.push_back({"programs", plan.values_begin});
  return roles;
}

std::vector<RoleBytes> memory_by_role(const CompiledStep& step, const Graph& graph) {
  std::vector<RoleBytes> roles = values_by_role(step.plan, graph);
  roles.push_back({"weight ring", step.ring_address - whole_pages(step.plan.values_end)});
  roles.push_back({"command ring", step.memory_bytes - step.ring_address});
  return roles;
}

std::string to_text(const std::vector<RoleBytes>& roles) {
  std::string text;
  for (const RoleBytes& role : roles)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", role.role, role.bytes);
  return text;
}

std::string bytes_by_role_text(const TrainingProgram& program, bool streamed) {
  const Graph& graph = program.graph;
  const std::vector<bool> is_next = next_of_states(graph, program.states);
  std::vector<RoleBytes> roles = kinds_of_values();
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (value.role == Role::kConstants || value.role == Role::kIntermediate || is_next[id] ||
        (streamed && value.role == Role::kFrozen))
      continue;
    roles[place_of(value.role)].bytes += raw_bytes_of(value);
  }
  roles[place_of(Role::kIntermediate)].bytes = most_intermediates(graph);
  return to_text(roles);
}

}  // namespace corank
