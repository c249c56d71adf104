#include "tests/bench/memory_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/driver/driver.h"
#include "host/report/dram_report.h"
#include "host/run/simulate.h"
#include "rtl/interface/interface.h"
#include "sim/platform/platform.h"

namespace corank::bench {
namespace {

using interface::Counter;

Simulated run_commands(const Config& config, const TrainingProgram& program,
                       const CompiledStep& step) {
  PreparedStep prepared;
  prepared.program = program;
  prepared.step = step;
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  return simulate(config, options, prepared, "");
}

}  // namespace

double stream_gb_per_s(const Config& config, std::int64_t bytes, double write_share) {
  // A command moves a panel; two places in one half of the scratchpad take turns with the loads,
  // the stores read the other half.
  const std::int64_t lanes = memory_lanes(config.machine);
  const std::int64_t lines = scratchpad_lines(config.machine);
  const std::int64_t panel_columns = kPanelRowBytes / 2;
  const std::int64_t rows =
      std::min<std::int64_t>(512, lines / 4 / lines_of(1, panel_columns, lanes));
  const std::int64_t command_bytes = rows * kPanelRowBytes;
  const std::int64_t loads = bytes / command_bytes;
  CompiledStep step;
  double stored = 0;
  std::int64_t stores = 0;
  const auto fill = [&](auto command, std::int64_t number, std::int64_t line) {
    command.address_lo = static_cast<std::uint32_t>(number * command_bytes);
    command.rows = static_cast<std::uint32_t>(rows);
    command.columns = static_cast<std::uint32_t>(panel_columns);
    command.panel_stride = static_cast<std::uint32_t>(command_bytes);
    command.line = static_cast<std::uint32_t>(line);
    command.line_stride = static_cast<std::uint32_t>(rows);
    step.commands.push_back({encode(command), -1, {-1, -1, -1, -1}});
  };
  for (std::int64_t i = 0; i < loads; ++i) {
    fill(interface::LoadCommand{}, i, i % 2 * (lines / 4));
    for (stored += write_share / (1 - write_share); stored >= 1; --stored)
      fill(interface::StoreCommand{}, loads + stores++, lines / 2);
  }
  step.commands.push_back({encode(interface::HaltCommand{}), -1, {-1, -1, -1, -1}});
  step.ring_address = static_cast<std::uint64_t>((loads + stores) * command_bytes);
  step.ring_entries = 4096;
  const DeviceCounters counters = run_commands(config, {}, step).steps.front().counters;
  return static_cast<double>((loads + stores) * command_bytes) /
         static_cast<double>(at(counters, Counter::kCycles)) * config.limits.clock_mhz / 1e3;
}

MemoryUse memory_use(const Config& config) {
  const PreparedStep prepared = prepare_step(config);
  const Simulated whole = run_commands(config, prepared.program, prepared.step);
  MemoryUse use;
  const DeviceCounters& counters = whole.steps.front().counters;
  use.cycles = static_cast<double>(at(counters, Counter::kCycles));
  const double beat = config.machine.axi_data_bits / 8.0;
  const double written = beat * static_cast<double>(at(counters, Counter::kStoreBeats));
  use.bytes = written + beat * static_cast<double>(at(counters, Counter::kLoadBeats) +
                                                   at(counters, Counter::kFetchBeats));
  const std::vector<PlatformSnapshot>& snapshots = whole.platform.snapshots;
  use.dram = snapshots.back().dram->since(*snapshots.front().dram);
  constexpr std::int64_t kStreamBytes = 32 << 20;
  use.stream_gb_per_s = stream_gb_per_s(config, kStreamBytes);
  use.mixed_gb_per_s = stream_gb_per_s(config, kStreamBytes, written / use.bytes);
  use.bound = step_bound(prepared.program.graph, config.machine,
                         use.stream_gb_per_s * 1e3 / config.limits.clock_mhz);
  return use;
}

std::vector<Result> memory_use_of_all() {
  const std::vector<std::pair<std::string, std::vector<std::string>>> memories = {
      {"lpddr5-6400", {}},
      {"ddr4-2400", {}},
      {"ddr4-3200", {}},
      {"lpddr4-3200", {}},
      {"hbm2", {}},
      {"lpddr5-6400", {"memory.channels=1"}},
      {"lpddr4-3200", {"memory.channels=2"}},
      {"lpddr4-3200", {"memory.channels=1"}}};
  std::vector<Result> results;
  for (const auto& [name, changes] : memories) {
    std::vector<std::string> settings = {"memory=configs/memory/" + name + ".yaml"};
    settings.insert(settings.end(), changes.begin(), changes.end());
    const Config config = load_config("configs/bench/memory-use.yaml", settings);
    const MemoryUse use = memory_use(config);
    const bool array = use.bound.array_cycles >= use.bound.memory_cycles;
    results.push_back(
        {fmt::format(
             "step, {}{}", name,
             changes.empty() ? "" : fmt::format(", {} x 16 bit", config.memory.dram.channels)),
         100 * use.share(), "% of bound", Result::Bar::AtLeast, 95,
         fmt::format(
             "{:.2f} of {:.2f} ms by the {}; {:.1f} MB, at least {:.1f}; stream {:.2f} GB/s "
             "({:.2f} with writes); {}",
             use.cycles / config.limits.clock_mhz / 1e3,
             use.bound.cycles() / config.limits.clock_mhz / 1e3, array ? "array" : "memory",
             use.bytes / 1e6, use.bound.bytes / 1e6, use.stream_gb_per_s, use.mixed_gb_per_s,
             data_bus_text(use.dram))});
  }
  return results;
}

}  // namespace corank::bench
