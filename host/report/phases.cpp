#include "host/report/phases.h"

#include <algorithm>
#include <unordered_map>

#include "host/compiler/ceil_div.h"
#include "host/compiler/dependencies.h"
#include "host/compiler/tiles.h"

namespace corank {
namespace {

using namespace interface;

// A gap is attributed to bandwidth from this share of it on.
constexpr double kBandwidthBoundShare = 0.75;

class Attribution {
 public:
  Attribution(const CompiledStep& step, const MachineShape& machine, double memory_bytes_per_cycle,
              const std::vector<TraceEvent>& events, const std::vector<RingFilled>& doorbells)
      : step_(step),
        axi_bytes_per_cycle_(machine.axi_data_bits / 8.0),
        memory_bytes_per_cycle_(memory_bytes_per_cycle),
        events_(events),
        doorbells_(doorbells),
        place_(step.commands.size(), kNowhere) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].command >= place_.size()) continue;
      place_[events[i].command] = static_cast<std::uint32_t>(i);
      if (stores(events[i].command) && events[i].end >= 0)
        stores_.push_back(static_cast<std::uint32_t>(i));
    }
    for (std::size_t i = 0; i < step.commands.size(); ++i) {
      if (loads(i)) loads_.push_back(static_cast<std::uint32_t>(i));
    }
  }

  const TraceEvent& event(std::size_t command) const {
    const std::uint32_t place = place_[command];
    return place == kNowhere ? none_ : events_[place];
  }

  /// What a command of the array waited for last before it started, at the end of `gap`.
  StallCause cause_of(std::size_t command, const Stall& gap) const {
    const auto [waited, end] = last_wait(command);
    const bool by_token = waited >= 0 && event(command).start <= end + kTokenLatency;
    const std::size_t late = by_token ? static_cast<std::size_t>(waited) : command;
    if (2 * waited_for_host(late, gap.end - gap.cycles, gap.end) >= gap.cycles)
      return StallCause::kLink;
    if (by_token) {
      switch (unit_of(static_cast<std::size_t>(waited))) {
        case Engine::kLoad:
          return cause_of_load(static_cast<std::size_t>(waited));
        case Engine::kVector:
          return StallCause::kVector;
        case Engine::kStore:
          return StallCause::kStore;
        case Engine::kArray:
          return StallCause::kArray;
      }
    }
    return event(command).start <= event(command).issue + kTokenLatency ? StallCause::kCommands
                                                                        : StallCause::kArray;
  }

 private:
  static constexpr std::uint32_t kNowhere = ~0u;

  Engine unit_of(std::size_t command) const { return event(command).unit; }

  /// The command whose end this one waited for longest, and that end; -1: it waits for none.
  std::pair<std::int64_t, std::int64_t> last_wait(std::size_t command) const {
    std::int64_t last = -1, end = -1;
    for (const std::int32_t other : step_.commands[command].waits_for) {
      if (other < 0 || event(static_cast<std::size_t>(other)).end <= end) continue;
      last = other;
      end = event(static_cast<std::size_t>(other)).end;
    }
    return {last, end};
  }

  /// Cycles from `begin` to `end` in which everything before the commands that one doorbell
  /// brought, this one among them, had been dispatched, and that doorbell had not come.
  std::int64_t waited_for_host(std::size_t command, std::int64_t begin, std::int64_t end) const {
    const auto doorbell =
        std::partition_point(doorbells_.begin(), doorbells_.end(),
                             [&](const RingFilled& filled) { return filled.commands <= command; });
    if (doorbell == doorbells_.begin() || doorbell == doorbells_.end()) return 0;
    const std::size_t last_before = (doorbell - 1)->commands - 1;
    return std::max<std::int64_t>(
        0, std::min(end, doorbell->cycle) - std::max(begin, event(last_before).issue));
  }

  StallCause cause_of_load(std::size_t command) const {
    const TraceEvent& load = event(command);
    const auto [waited, end] = last_wait(command);
    if (waited >= 0 && load.start <= end + kTokenLatency) {
      const Engine unit = unit_of(static_cast<std::size_t>(waited));
      return unit == Engine::kVector  ? StallCause::kVector
             : unit == Engine::kStore ? StallCause::kStore
                                      : StallCause::kArray;
    }
    // The load unit has room for a command when that many before it have ended.
    const std::int64_t free = end_of_load_before(command, kLoadsWaiting);
    if (takes_tile(command) && load.start > std::max({load.issue, end, free}) + kTokenLatency)
      return StallCause::kLink;
    // Loads get their data in order.
    const std::int64_t begin = std::max(load.start, end_of_load_before(command, 1));
    const double most = kBandwidthBoundShare * static_cast<double>(load.end - begin);
    const double loaded = loaded_bytes(command);
    const bool moving = loaded >= most * axi_bytes_per_cycle_ ||
                        loaded + stored(begin, load.end) >= most * memory_bytes_per_cycle_;
    return moving ? StallCause::kMemoryBandwidth : StallCause::kMemoryLatency;
  }

  /// The end of the load that comes so many before this one; -1: there is none.
  std::int64_t end_of_load_before(std::size_t command, std::size_t many) const {
    const auto at = static_cast<std::size_t>(
        std::lower_bound(loads_.begin(), loads_.end(), command) - loads_.begin());
    return at >= many ? event(loads_[at - many]).end : -1;
  }

  std::uint32_t opcode(std::size_t command) const {
    return step_.commands[command].words[0] & 0xff;
  }
  // Whether it is one of the load unit's, or of the store unit's. A gather has the fields of a
  // load, and a scatter those of a store.
  bool loads(std::size_t command) const {
    return opcode(command) == LoadCommand::kOpcode || opcode(command) == GatherCommand::kOpcode ||
           opcode(command) == LoadQuantizedCommand::kOpcode ||
           opcode(command) == LoadScalesCommand::kOpcode;
  }
  bool stores(std::size_t command) const {
    return opcode(command) == StoreCommand::kOpcode || opcode(command) == ScatterCommand::kOpcode;
  }

  bool takes_tile(std::size_t command) const {
    const CommandWords& words = step_.commands[command].words;
    if (opcode(command) == LoadQuantizedCommand::kOpcode)
      return decode_load_quantized(words).stream_take != 0;
    return opcode(command) == LoadCommand::kOpcode && decode_load(words).stream_take != 0;
  }

  // Of one of the load unit's commands.
  double loaded_bytes(std::size_t command) const {
    const CommandWords& words = step_.commands[command].words;
    if (opcode(command) == LoadScalesCommand::kOpcode)
      return static_cast<double>(decode_load_scales(words).rows) * kPanelRowBytes;
    if (opcode(command) != LoadQuantizedCommand::kOpcode) return bytes_of(decode_load(words));
    return static_cast<double>(corank::loaded_bytes(decode_load_quantized(words)));
  }

  template <class Transfer>
  static double bytes_of(const Transfer& fields) {
    const std::int64_t element = fields.target == kTargetScratchpad ? 2 : 4;
    return static_cast<double>(ceil_div(fields.columns * element, kPanelRowBytes) * fields.rows *
                               kPanelRowBytes);
  }

  // Bytes that the stores moved from `begin` to `end`, each evenly over its time.
  double stored(std::int64_t begin, std::int64_t end) const {
    auto store = std::partition_point(stores_.begin(), stores_.end(), [&](std::uint32_t place) {
      return events_[place].end <= begin;
    });
    double bytes = 0;
    for (; store != stores_.end() && events_[*store].start < end; ++store) {
      const TraceEvent& event = events_[*store];
      const std::int64_t overlap = std::min(end, event.end) - std::max(begin, event.start);
      bytes += bytes_of(decode_store(step_.commands[event.command].words)) *
               static_cast<double>(overlap) / static_cast<double>(event.end - event.start);
    }
    return bytes;
  }

  const CompiledStep& step_;
  const double axi_bytes_per_cycle_, memory_bytes_per_cycle_;
  const std::vector<TraceEvent>& events_;
  const std::vector<RingFilled>& doorbells_;
  std::vector<std::uint32_t> place_;  // by command: where its event is
  const TraceEvent none_;
  std::vector<std::uint32_t> stores_;  // places of the stores' events, in order
  std::vector<std::uint32_t> loads_;   // commands
};

// What comes behind the module's name: "self_attn.q_proj" of "model.layers.0.self_attn.q_proj",
// also where more stands in front. A value outside all modules keeps its name.
std::string name_within(const std::string& module, const std::string& value) {
  if (module.empty()) return value;
  const std::string prefix = module + ".";
  const std::size_t found = value.find(prefix);
  const bool whole = found == 0 || (found != std::string::npos && value[found - 1] == '.');
  return whole ? value.substr(found + prefix.size()) : value;
}

}  // namespace

std::int64_t streaming_cycles(const GemmCommand& gemm, const MachineShape& machine) {
  const std::int64_t lanes = memory_lanes(machine);
  return std::int64_t{gemm.rows} * tiles(gemm.depth, lanes, machine.array_rows) *
         tiles(gemm.columns, lanes, machine.array_columns);
}

ArrayTimes array_times(const CompiledStep& step, const Graph& graph, const MachineShape& machine,
                       double memory_bytes_per_cycle, const std::vector<TraceEvent>& events,
                       const std::vector<RingFilled>& doorbells) {
  const Attribution attribution(step, machine, memory_bytes_per_cycle, events, doorbells);
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
      phases.back().value = result_name(graph, op);
      phases.back().product = name_within(origin_of(graph, op).module, phases.back().value);
      phases.back().op = command.op;
    }
    PhaseReport& phase = phases[place->second];
    const GemmCommand gemm = decode_gemm(command.words);
    const std::int64_t streaming = streaming_cycles(gemm, machine);
    const std::int64_t cycles = attribution.event(i).end - end;
    end = attribution.event(i).end;
    phase.cycles += static_cast<std::uint64_t>(cycles);
    phase.kinds[gemm.kind] += static_cast<std::uint64_t>(cycles);
    phase.streaming += static_cast<std::uint64_t>(streaming);
    phase.macs += std::uint64_t{gemm.rows} * gemm.columns * gemm.depth;
    if (cycles > streaming) {
      Stall stall{end - streaming, cycles - streaming};
      stall.cause = attribution.cause_of(i, stall);
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
                      : kStallCauseNames[static_cast<std::size_t>(worst - phase.lost.begin())];
  }
  return times;
}

}  // namespace corank
