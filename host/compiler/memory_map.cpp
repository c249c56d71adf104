#include "host/compiler/memory_map.h"

#include <algorithm>
#include <limits>

namespace corank {
namespace {

struct Lifetime {
  int first = 0, last = std::numeric_limits<int>::max();  // ops
};

std::vector<Lifetime> lifetimes_of(const Graph& graph) {
  std::vector<Lifetime> lifetimes(graph.values.size());
  for (std::size_t value = 0; value < graph.values.size(); ++value) {
    if (graph.values[value].role != Role::kIntermediate) continue;
    lifetimes[value].last = -1;
    for (std::size_t op = 0; op < graph.ops.size(); ++op) {
      const auto contains = [&](const std::vector<ValueId>& ids) {
        return std::find(ids.begin(), ids.end(), static_cast<ValueId>(value)) != ids.end();
      };
      if (contains(results_of(graph.ops[op]))) lifetimes[value].first = static_cast<int>(op);
      if (contains(operands_of(graph.ops[op])) || contains(results_of(graph.ops[op]))) {
        lifetimes[value].last = static_cast<int>(op);
      }
    }
  }
  return lifetimes;
}

}  // namespace

std::uint64_t place_values(const Graph& graph, std::uint64_t first_address,
                           std::vector<TensorLayout>& layouts) {
  const std::vector<Lifetime> lifetimes = lifetimes_of(graph);
  std::uint64_t end_of_all = first_address;
  // First fit: the lowest address at which no value that lives at the same time lies.
  std::vector<std::size_t> placed;
  for (std::size_t value = 0; value < layouts.size(); ++value) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
    for (const std::size_t other : placed) {
      if (lifetimes[other].first <= lifetimes[value].last &&
          lifetimes[value].first <= lifetimes[other].last) {
        taken.emplace_back(layouts[other].address, layouts[other].address + layouts[other].bytes());
      }
    }
    std::sort(taken.begin(), taken.end());
    std::uint64_t address = first_address;
    for (const auto& [begin, end] : taken) {
      if (address + layouts[value].bytes() <= begin) break;
      address = std::max(address, (end + 4095) / 4096 * 4096);
    }
    layouts[value].address = address;
    placed.push_back(value);
    end_of_all = std::max(end_of_all, address + layouts[value].bytes());
  }
  return end_of_all;
}

}  // namespace corank
