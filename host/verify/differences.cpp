#include "host/verify/differences.h"

#include <fmt/format.h>

#include "host/driver/account.h"
#include "host/run/compare.h"

namespace corank {

std::string differences(const Graph& graph, const CompiledStep& step, const MachineShape& machine,
                        int burst_beats, const StepResult& result, const TensorMap& reference) {
  std::string text;
  for (const ComparisonReport& comparison : compare_bits(graph, result.results, reference)) {
    if (comparison.mismatches == 0) continue;
    text += fmt::format("{}: {} of {} elements differ, first {}\n", comparison.tensor,
                        comparison.mismatches, comparison.elements, comparison.first_mismatch);
  }
  for (const auto& [counter, expected] : account(step, machine, burst_beats)) {
    const auto index = static_cast<std::size_t>(counter);
    if (result.counters[index] == expected) continue;
    text += fmt::format("counter {}: device {}, by the commands {}\n",
                        interface::kCounterNames[index], result.counters[index], expected);
  }
  return text;
}

}  // namespace corank
