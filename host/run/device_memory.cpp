#include "host/run/device_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/compiler/memory_map.h"

namespace corank {
namespace {

// Places of values by what they are, in this order.
enum Place : std::size_t { kFrozen, kAdapter, kOptimizer, kStash, kActivations, kResults, kFed };

std::vector<RoleBytes> kinds_of_values() {
  return {{"frozen", 0},      {"adapter", 0}, {"optimizer", 0}, {"stash", 0},
          {"activations", 0}, {"results", 0}, {"fed", 0}};
}

// Of what is there all the time.
Place place_of(Role role) {
  switch (role) {
    case Role::kFrozen:
      return kFrozen;
    case Role::kTrainable:
      return kAdapter;
    case Role::kState:
      return kOptimizer;
    case Role::kResult:
      return kResults;
    case Role::kIntermediate:
    case Role::kConstants:
    case Role::kInput:
      break;
  }
  return kFed;
}

void put(std::vector<RoleBytes>& roles, const AliveBytes& alive) {
  roles[kStash].bytes = alive.stash;
  roles[kActivations].bytes = alive.activations;
}

AliveBytes most_of(const std::vector<AliveBytes>& alive) {
  return alive.empty() ? AliveBytes() : alive[fullest(alive)];
}

std::vector<bool> next_of_states(const Graph& graph, const std::vector<State>& states) {
  std::vector<bool> is_next(graph.values.size(), false);
  for (const State& state : states) is_next[static_cast<std::size_t>(state.next)] = true;
  return is_next;
}

}  // namespace

std::vector<RoleBytes> values_by_role(const Plan& plan, const Graph& graph) {
  const std::vector<bool> is_next = next_of_states(graph, plan.states);
  std::vector<RoleBytes> roles = kinds_of_values();
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Role role = graph.values[id].role;
    if (role == Role::kConstants || role == Role::kIntermediate || is_next[id] || plan.streamed[id])
      continue;
    roles[place_of(role)].bytes += whole_pages(plan.bytes_of(id));
  }
  roles[kFrozen].bytes += whole_pages(plan.packed_table_bytes);
  put(roles, most_of(alive_by_stage(plan, graph)));
  std::uint64_t tables = 0;
  for (std::size_t i = 0; i < plan.extras.size(); ++i)
    tables += whole_pages(plan.layouts[graph.values.size() + i].bytes());
  roles.push_back({"tables", tables});
  const std::uint64_t gaps = whole_pages(plan.values_end) - plan.values_begin - sum_of(roles);
  roles.push_back({"programs", plan.values_begin});
  roles.push_back({"gaps", gaps});
  return roles;
}

std::vector<RoleBytes> memory_by_role(const CompiledStep& step, const Graph& graph) {
  std::vector<RoleBytes> roles = values_by_role(step.plan, graph);
  roles.insert(roles.end() - 1,
               {{"weight ring", step.ring_address - whole_pages(step.plan.values_end)},
                {"command ring", step.memory_bytes - step.ring_address}});
  return roles;
}

std::vector<RoleBytes> memory_when(std::vector<RoleBytes> memory, const AliveBytes& alive) {
  memory.back().bytes += memory[kStash].bytes + memory[kActivations].bytes - alive.all();
  put(memory, alive);
  return memory;
}

std::string packed_bytes_text(const Plan& plan, const Graph& graph) {
  std::int64_t elements = 0, stored = 0;
  std::uint64_t device = plan.packed_table_bytes, plain = 0;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (!plan.packed[id]) continue;
    elements += element_count(graph.values[id].shape);
    stored += stored_bytes(graph.values[id]);
    device += plan.bytes_of(id);
    plain += plan.layouts[id].bytes();
  }
  if (elements == 0) return "";
  const double bits = 8.0 / static_cast<double>(elements);
  return fmt::format(
      "packed weights take {} bytes on the device, {:.3f} bits each ({:.3f} as stored); in BF16 "
      "they would take {} bytes, {} more",
      device, bits * static_cast<double>(device), bits * static_cast<double>(stored), plain,
      static_cast<std::int64_t>(plain) - static_cast<std::int64_t>(device));
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
    roles[place_of(value.role)].bytes += static_cast<std::uint64_t>(stored_bytes(value));
  }
  put(roles, most_of(alive_by_op(graph)));
  return to_text(roles);
}

}  // namespace corank
