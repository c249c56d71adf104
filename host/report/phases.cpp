#include "host/report/phases.h"

#include <algorithm>
#include <unordered_map>

#include "host/compiler/dependencies.h"

namespace corank {
namespace {

using namespace interface;

// Cycles from a token to the start of the command that waited for nothing else (command_queue.sv).
constexpr std::int64_t kAtOnce = 2;

// Commands that wait for data in the load unit, at most (load_unit.sv).
constexpr std::size_t kLoadsWaiting = 4;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Tiles along a dimension: at most `limit` elements, none across the end of a line.
std::int64_t tiles(std::int64_t size, std::int64_t lanes, std::int64_t limit) {
  return size / lanes * ceil_div(lanes, limit) + ceil_div(size % lanes, limit);
}

class Attribution {
 public:
  Attribution(const CompiledStep& step, const MachineShape& machine,
              const std::vector<TraceEvent>& events)
      : step_(step), machine_(machine), events_(step.commands.size()) {
    for (const TraceEvent& event : events) {
      if (event.command < events_.size()) events_[event.command] = event;
    }
    std::vector<std::size_t> loads;
    makes_room_.assign(step.commands.size(), step.commands.size());
    for (std::size_t i = 0; i < step.commands.size(); ++i) {
      if ((step.commands[i].words[0] & 0xff) != LoadCommand::kOpcode) continue;
      if (loads.size() >= kLoadsWaiting) makes_room_[i] = loads[loads.size() - kLoadsWaiting];
      loads.push_back(i);
    }
  }

  const TraceEvent& event(std::size_t command) const { return events_[command]; }

  /// What a command of the array waited for last before it started.
  Lost cause_of(std::size_t command) const {
    const auto [waited, end] = last_wait(command);
    if (waited >= 0 && event(command).start <= end + kAtOnce) {
      switch (unit_of(static_cast<std::size_t>(waited))) {
        case Engine::kLoad:
          return cause_of_load(static_cast<std::size_t>(waited));
        case Engine::kVector:
          return Lost::kVector;
        case Engine::kStore:
          return Lost::kStore;
        case Engine::kArray:
          return Lost::kArray;
      }
    }
    return event(command).start <= event(command).issue + kAtOnce ? Lost::kCommands : Lost::kArray;
  }

 private:
  Engine unit_of(std::size_t command) const { return static_cast<Engine>(event(command).unit); }

  /// The command whose end this one waited for longest, and that end; -1: it waits for none.
  std::pair<std::int64_t, std::int64_t> last_wait(std::size_t command) const {
    std::int64_t last = -1, end = -1;
    for (const std::int64_t other : step_.commands[command].waits_for) {
      if (other < 0 || event(static_cast<std::size_t>(other)).end <= end) continue;
      last = other;
      end = event(static_cast<std::size_t>(other)).end;
    }
    return {last, end};
  }

  Lost cause_of_load(std::size_t command) const {
    const TraceEvent& load = event(command);
    const auto [waited, end] = last_wait(command);
    if (waited >= 0 && load.start <= end + kAtOnce) {
      const Engine unit = unit_of(static_cast<std::size_t>(waited));
      return unit == Engine::kVector  ? Lost::kVector
             : unit == Engine::kStore ? Lost::kStore
                                      : Lost::kArray;
    }
    const LoadCommand fields = decode_load(step_.commands[command].words);
    // The load unit takes a command while at most one waits for data: when the one before the last
    // ends.
    const std::size_t earlier = makes_room_[command];
    const std::int64_t free = earlier < events_.size() ? event(earlier).end : -1;
    if (fields.stream_take != 0 && load.start > std::max({load.issue, end, free}) + kAtOnce)
      return Lost::kLink;
    const std::int64_t element = fields.target == 0 ? 2 : 4;
    const std::int64_t beats = ceil_div(fields.columns * element, kPanelRowBytes) *
                               std::int64_t{fields.rows} * kPanelRowBytes /
                               (machine_.axi_data_bits / 8);
    const std::int64_t begin = std::max(load.start, free);
    return 4 * beats >= 3 * (load.end - begin) ? Lost::kMemoryBandwidth : Lost::kMemoryLatency;
  }

  const CompiledStep& step_;
  const MachineShape& machine_;
  std::vector<TraceEvent> events_;       // by command
  std::vector<std::size_t> makes_room_;  // by load: the earlier one whose end lets it start
};

}  // namespace

ArrayTimes array_times(const CompiledStep& step, const Graph& graph, const MachineShape& machine,
                       const std::vector<TraceEvent>& events) {
  const Attribution attribution(step, machine, events);
  const std::int64_t lanes = memory_lanes(machine);
  const double pes = machine.array_rows * machine.array_columns;
  ArrayTimes times;
  std::vector<PhaseReport>& phases = times.phases;
  std::unordered_map<int, std::size_t> phase_of;  // by op: commands of several may alternate
  std::int64_t end = 0;
  bool first = true;
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    const CompiledCommand& command = step.commands[i];
    if ((command.words[0] & 0xff) != GemmCommand::kOpcode) continue;
    if (attribution.event(i).end < 0) break;  // a run that was stopped
    if (first) {
      // The time before the first product's first row is not its own.
      end = attribution.event(i).start;
      first = false;
    }
    const auto [place, is_new] = phase_of.try_emplace(command.op, phases.size());
    if (is_new) {
      phases.emplace_back();
      const Op& op = graph.ops[static_cast<std::size_t>(command.op)];
      phases.back().value = graph.value(results_of(op).front()).name;
    }
    PhaseReport& phase = phases[place->second];
    const GemmCommand gemm = decode_gemm(command.words);
    const std::int64_t streaming = std::int64_t{gemm.rows} *
                                   tiles(gemm.depth, lanes, machine.array_rows) *
                                   tiles(gemm.columns, lanes, machine.array_columns);
    const std::int64_t cycles = attribution.event(i).end - end;
    end = attribution.event(i).end;
    phase.cycles += static_cast<std::uint64_t>(cycles);
    if (gemm.kind < times.kind_cycles.size())
      times.kind_cycles[gemm.kind] += static_cast<std::uint64_t>(cycles);
    phase.streaming += static_cast<std::uint64_t>(streaming);
    phase.macs += std::uint64_t{gemm.rows} * gemm.columns * gemm.depth;
    if (cycles > streaming) {
      const Stall stall{end - streaming, cycles - streaming, attribution.cause_of(i)};
      phase.lost[static_cast<std::size_t>(stall.cause)] += static_cast<std::uint64_t>(stall.cycles);
      times.stalls.push_back(stall);
    }
  }
  for (PhaseReport& phase : phases) {
    phase.utilisation = static_cast<double>(phase.macs) / (static_cast<double>(phase.cycles) * pes);
    const auto worst = std::max_element(phase.lost.begin(), phase.lost.end());
    const std::uint64_t idle = phase.cycles - std::min(phase.cycles, phase.streaming);
    // Below a tenth of waiting the array itself is what takes the time.
    phase.bound = 10 * idle < phase.cycles
                      ? "compute"
                      : kLostNames[static_cast<std::size_t>(worst - phase.lost.begin())];
  }
  return times;
}

}  // namespace corank
