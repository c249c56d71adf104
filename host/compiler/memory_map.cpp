#include "host/compiler/memory_map.h"

#include <algorithm>
#include <limits>

#include "host/compiler/views.h"

namespace corank {
namespace {

struct Lifetime {
  int first = std::numeric_limits<int>::max(), last = -1;  // stages
};

// A value lives as long as its views.
std::vector<Lifetime> lifetimes_of(const Graph& graph, const std::vector<Stage>& stages,
                                   const std::vector<ValueId>& view_of) {
  std::vector<Lifetime> lifetimes(graph.values.size());
  for (int stage = 0; stage < static_cast<int>(stages.size()); ++stage) {
    for (const int op : stages[static_cast<std::size_t>(stage)].ops()) {
      const auto use = [&](ValueId id) {
        Lifetime& lifetime = lifetimes[static_cast<std::size_t>(root_of(view_of, id))];
        lifetime.first = std::min(lifetime.first, stage);
        lifetime.last = std::max(lifetime.last, stage);
      };
      for (const ValueId id : operands_of(graph.ops[static_cast<std::size_t>(op)])) use(id);
      for (const ValueId id : results_of(graph.ops[static_cast<std::size_t>(op)])) use(id);
    }
  }
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].role != Role::kIntermediate)
      lifetimes[id] = {0, std::numeric_limits<int>::max()};
  }
  return lifetimes;
}

}  // namespace

std::uint64_t place_values(const Graph& graph, const std::vector<Stage>& stages,
                           const std::vector<State>& states, const std::vector<bool>& elsewhere,
                           const std::vector<ValueId>& view_of, std::uint64_t first_address,
                           const std::vector<std::uint64_t>& bytes,
                           std::vector<TensorLayout>& layouts) {
  std::vector<bool> is_next(graph.values.size(), false);
  for (const State& state : states) is_next[static_cast<std::size_t>(state.next)] = true;
  const std::vector<Lifetime> lifetimes = lifetimes_of(graph, stages, view_of);
  // What lives throughout lies side by side.
  std::uint64_t shared_address = first_address;
  std::vector<std::size_t> intermediates;
  for (std::size_t value = 0; value < graph.values.size(); ++value) {
    if (elsewhere[value] || is_next[value] || view_of[value] >= 0) continue;
    if (graph.values[value].role == Role::kIntermediate) {
      intermediates.push_back(value);
      continue;
    }
    layouts[value].address = shared_address;
    shared_address += whole_pages(bytes[value]);
  }
  // Behind it, first fit: the lowest address at which no value that lives at the same time lies.
  std::uint64_t end_of_all = shared_address;
  std::vector<std::size_t> placed;
  for (const std::size_t value : intermediates) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
    for (const std::size_t other : placed) {
      if (lifetimes[other].first <= lifetimes[value].last &&
          lifetimes[value].first <= lifetimes[other].last) {
        taken.emplace_back(layouts[other].address, layouts[other].address + bytes[other]);
      }
    }
    std::sort(taken.begin(), taken.end());
    std::uint64_t address = shared_address;
    for (const auto& [begin, end] : taken) {
      if (address + bytes[value] <= begin) break;
      address = std::max(address, whole_pages(end));
    }
    layouts[value].address = address;
    placed.push_back(value);
    end_of_all = std::max(end_of_all, address + bytes[value]);
  }
  for (const State& state : states)
    layouts[static_cast<std::size_t>(state.next)].address =
        layouts[static_cast<std::size_t>(state.value)].address;
  for (std::size_t value = 0; value < graph.values.size(); ++value) {
    const ValueId root = root_of(view_of, static_cast<ValueId>(value));
    layouts[value].address = layouts[static_cast<std::size_t>(root)].address;
  }
  return end_of_all;
}

}  // namespace corank
