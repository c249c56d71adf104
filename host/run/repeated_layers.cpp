#include "host/run/repeated_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/compiler/memory_map.h"
#include "host/driver/account.h"
#include "models/base/error.h"

namespace corank {
namespace {

using namespace interface;

// The passes of the simulated groups as they are carried out, forward in order, backward from the
// last one: pass p < groups is forward. Snapshots are taken after three forward passes, the last of
// which is that of the last group but one, and three backward ones, of the groups 3, 2 and 1. So
// either direction has two passes between snapshots that are as far from the beginning of the step
// as the simulated groups allow. Updates that found no place beside a product come behind the last
// pass, group by group as backward: then a snapshot is taken after each of these three of those
// too.
constexpr std::size_t kSnapshots = 6;
constexpr std::array<std::size_t, 3> kBackwardGroups = {3, 2, 1};

std::size_t pass_of(const RepeatedStep& step, bool forward, std::size_t group) {
  return forward ? group : 2 * step.simulated - 1 - group;
}

// The groups whose passes stand for those left out, which come behind them.
std::size_t forward_copied(const RepeatedStep& step) { return step.simulated - 2; }
constexpr std::size_t kBackwardCopied = 1;

std::size_t layer_of(const RepeatedStep& step, const std::string& value) {
  return step.layers.at(value);
}

// The name of a layer's value in another layer.
std::string with_layer(const RepeatedStep& step, const std::string& value, std::size_t layer) {
  const std::size_t prefix = layer_prefix(layer_of(step, value), step.repetition.times).size();
  return layer_prefix(layer, step.repetition.times) + value.substr(prefix);
}

const Origin& origin_of(const PreparedStep& prepared, int op) {
  const Graph& graph = prepared.program.graph;
  return origin_of(graph, graph.ops[static_cast<std::size_t>(op)]);
}

std::size_t group_of(const RepeatedStep& step, const Origin& origin) {
  return static_cast<std::size_t>(origin.group) / step.repetition.group;
}

std::size_t left_out(const RepeatedStep& step) { return step.repetition.times - step.simulated; }

// The last product of each pass, and the last command of each group behind all products.
std::vector<std::uint32_t> snapshot_commands(const RepeatedStep& step) {
  const PreparedStep& prepared = step.prepared;
  std::vector<std::uint32_t> last(2 * step.simulated), tail(step.simulated);
  for (std::size_t i = 0; i < prepared.step.commands.size(); ++i) {
    const CompiledCommand& command = prepared.step.commands[i];
    if (command.op < 0) continue;
    const auto index = static_cast<std::uint32_t>(i);
    const std::size_t group = group_of(step, origin_of(prepared, command.op));
    tail[group] = index;
    if ((command.words[0] & 0xff) != GemmCommand::kOpcode) continue;
    const GemmKind kind = prepared.step.gemm_kinds.at(decode_gemm(command.words).kind);
    const bool forward = kind.pass == Pass::kForward;
    last[pass_of(step, forward, group)] = index;
  }
  std::vector<std::uint32_t> commands;
  for (std::size_t group = step.simulated - 4; group <= forward_copied(step); ++group)
    commands.push_back(last[pass_of(step, true, group)]);
  for (const std::size_t group : kBackwardGroups)
    commands.push_back(last[pass_of(step, false, group)]);
  for (const std::size_t group : kBackwardGroups) {
    if (tail[group] > last.back()) commands.push_back(tail[group]);
  }
  return commands;
}

// The sum over forward, backward and what comes behind it of what `between` says of two snapshots
// (by their place in snapshots_after): of the later of the two groups in the middle, or of the
// earlier one.
template <class Between>
auto of_middle(const RepeatedStep& step, bool later, const Between& between) {
  const std::size_t first = later ? 1 : 0;
  auto sum = between(first, first + 1) + between(first + 3, first + 4);
  if (step.prepared.snapshots_after.size() > kSnapshots) sum += between(first + 6, first + 7);
  return sum;
}

// The commands of one of the groups in the middle alone.
CompiledStep commands_of_group(const RepeatedStep& step) {
  CompiledStep group;
  group.instructions = step.prepared.step.instructions;
  for (const CompiledCommand& command : step.prepared.step.commands) {
    if (command.op >= 0 &&
        group_of(step, origin_of(step.prepared, command.op)) == forward_copied(step))
      group.commands.push_back(command);
  }
  return group;
}

// Whether the groups in the middle are carried out one after another, each like the other: what is
// extrapolated to those left out is then all that they would do.
bool is_steady(const RepeatedStep& step) {
  const std::vector<std::uint32_t>& after = step.prepared.snapshots_after;
  const bool has_tail = after.size() > kSnapshots;
  if (!std::is_sorted(after.begin(), after.end()) ||
      (has_tail && after.size() != kSnapshots + kBackwardGroups.size()))
    return false;
  const auto commands = [&](bool later) {
    return of_middle(step, later,
                     [&](std::size_t from, std::size_t to) { return after[to] - after[from]; });
  };
  return commands(false) == commands(true) &&
         commands(true) == commands_of_group(step).commands.size();
}

// What a group adds to the device memory: all that is not shared once it is dead, or streamed.
std::uint64_t memory_of_group(const RepeatedStep& step) {
  const PreparedStep& prepared = step.prepared;
  std::set<ValueId> streamed;
  for (const StreamTile& tile : prepared.step.tiles) streamed.insert(tile.value);
  std::uint64_t bytes = 0;
  const std::vector<Value>& values = prepared.program.graph.values;
  for (std::size_t id = 0; id < values.size(); ++id) {
    const Value& value = values[id];
    if (value.role == Role::kIntermediate || value.role == Role::kConstants ||
        streamed.count(static_cast<ValueId>(id)) > 0 ||
        group_of(step, value.origin) != forward_copied(step))
      continue;
    bytes += whole_pages(prepared.step.plan.bytes_of(id));
  }
  return bytes;
}

// The same of the snapshots themselves; the first one is that before the step.
template <class Count>
auto of_middle(const RepeatedStep& step, const std::vector<PlatformSnapshot>& snapshots, bool later,
               const Count& count) {
  return of_middle(step, later, [&](std::size_t from, std::size_t to) {
    return count(snapshots.at(to + 1)) - count(snapshots.at(from + 1));
  });
}

void extrapolate_phases(const RepeatedStep& step, std::vector<PhaseReport>& phases) {
  std::vector<std::vector<PhaseReport>> passes(2 * step.simulated);
  for (PhaseReport& phase : phases) {
    const Origin& origin = origin_of(step.prepared, phase.op);
    const bool forward = origin.kind.pass == Pass::kForward;
    passes[pass_of(step, forward, group_of(step, origin))].push_back(std::move(phase));
  }
  phases.clear();
  const std::size_t last = step.repetition.times - 1, group = step.repetition.group;
  const auto add = [&](bool forward, std::size_t simulated, std::size_t real_group) {
    for (PhaseReport phase : passes[pass_of(step, forward, simulated)]) {
      phase.value =
          with_layer(step, phase.value, real_group * group + layer_of(step, phase.value) % group);
      phases.push_back(phase);
    }
  };
  const std::size_t copies = left_out(step);
  for (std::size_t simulated = 0; simulated < step.simulated; ++simulated) {
    const std::size_t real = simulated > forward_copied(step) ? last : simulated;
    for (std::size_t i = 0; i <= (simulated == forward_copied(step) ? copies : 0); ++i)
      add(true, simulated, real + i);
  }
  for (std::size_t simulated = step.simulated; simulated-- > 0;) {
    const std::size_t real = simulated == 0 ? 0 : simulated + copies;
    for (std::size_t i = 0; i <= (simulated == kBackwardCopied ? copies : 0); ++i)
      add(false, simulated, real - i);
  }
}

// Of a list with entries of every layer: those of the group that is copied once more for each group
// left out.
template <class Entry, class Name>
void extrapolate_list(const RepeatedStep& step, std::vector<Entry>& list, const Name& name) {
  std::vector<Entry> whole;
  const std::size_t group = step.repetition.group;
  for (const Entry& entry : list) {
    Entry copy = entry;
    const std::size_t layer = layer_of(step, name(copy)), simulated = layer / group;
    const std::string value = name(copy);
    const std::size_t copies = simulated == forward_copied(step) ? left_out(step) : 0;
    const std::size_t moved = simulated > forward_copied(step) ? left_out(step) * group : 0;
    for (std::size_t i = 0; i <= copies; ++i) {
      name(copy) = with_layer(step, value, layer + moved + i * group);
      whole.push_back(copy);
    }
  }
  list = std::move(whole);
}

// All groups send and take the same bytes, in full packets; the times of the transfers grow as
// their bytes do.
void extrapolate_link(const LinkConfig& link, const RepeatedStep& step, StepMeasurement& whole) {
  const PreparedStep& prepared = step.prepared;
  const LinkBytes bytes =
      expected_link_bytes(prepared.step, prepared.program, results_of(prepared.program));
  std::uint64_t common = 0;  // the commands that belong to no group
  for (const CompiledCommand& command : prepared.step.commands)
    common += command.op < 0 ? sizeof(CommandWords) : 0;
  // What a group adds to a time's bytes, with the groups that are left out as many times.
  const auto of_groups = [&](std::uint64_t bytes_of_simulated) {
    return left_out(step) * bytes_of_simulated / step.simulated;
  };
  const std::uint64_t in_step = bytes.streamed + bytes.commands - common;
  const auto grow = [&](LinkDirectionStatistics& direction, std::uint64_t more) {
    const auto bytes_more = static_cast<std::int64_t>(more);
    const std::int64_t packets = ceil_div(bytes_more, std::int64_t{link.payload_bytes});
    const double growth =
        1 + static_cast<double>(more) /
                static_cast<double>(std::max<std::int64_t>(1, direction.payload_bytes));
    direction.packets += packets;
    direction.payload_bytes += bytes_more;
    direction.wire_bytes += bytes_more + packets * link.overhead_bytes;
    direction.busy_ns = static_cast<double>(direction.wire_bytes) / link.bandwidth_gb_per_s;
    return growth;
  };
  whole.streamed_bytes += of_groups(bytes.streamed);
  whole.link_in_step.written_bytes += static_cast<std::int64_t>(of_groups(in_step));
  grow(whole.in_step.to_device, of_groups(in_step));
  whole.upload_ns *= grow(whole.upload.to_device, of_groups(bytes.loaded + bytes.fed));
  whole.download_ns *= grow(whole.download.to_host, of_groups(bytes.asked));
}

}  // namespace

std::optional<LayerRepetition> find_repetition(const std::vector<LinearLayer>& layers) {
  const auto same = [](const LinearLayer& a, const LinearLayer& b) {
    const auto sizes = [](const LinearLayer& s) {
      return std::make_tuple(s.tokens, s.in, s.out, s.has_bias, s.lora.rank, s.lora.alpha,
                             s.lora.rank_stabilized, s.next_update, s.storage);
    };
    return sizes(a) == sizes(b);
  };
  for (std::size_t group = 1; 2 * group <= layers.size(); ++group) {
    if (layers.size() % group == 0 &&
        std::equal(layers.begin() + static_cast<std::ptrdiff_t>(group), layers.end(),
                   layers.begin(), same))
      return LayerRepetition{group, layers.size() / group};
  }
  return std::nullopt;
}

namespace {

// Where more groups than this would have to be simulated, the whole may as well be.
constexpr std::size_t kMostSimulatedGroups = 16;
// Of the whole step: what may hang on which of the two groups in the middle stands for those left
// out.
constexpr double kMostError = 0.01;

InputError refusal(const Config& config, const std::string& why) {
  return {location_of(config, {"workload.layers"}), "workload.layers: repeated: " + why};
}

RepeatedStep prepare_groups(const Config& config, Workload workload,
                            const LayerRepetition& repetition, std::size_t groups) {
  RepeatedStep step;
  step.repetition = repetition;
  step.simulated = groups;
  workload.layers.resize(groups * repetition.group);
  step.prepared = prepare_step(config, std::move(workload));
  for (const Value& value : step.prepared.program.graph.values)
    step.layers[value.name] = static_cast<std::size_t>(std::max(0, value.origin.group));
  step.prepared.snapshots_after = snapshot_commands(step);
  if (!is_steady(step))
    throw refusal(config,
                  "the layers in the middle are not carried out one like the other; expected "
                  "workload.layers: whole");
  step.memory_bytes = step.prepared.step.memory_bytes + left_out(step) * memory_of_group(step);
  const std::uint64_t size = driver_options_of(config).memory_size_bytes;
  if (step.memory_bytes > size)
    throw InputError(
        location_of(config, kMemoryKeys),
        fmt::format("the step of all {} layers needs {} bytes of device memory; {} gives {} bytes",
                    repetition.group * repetition.times, step.memory_bytes, kMemoryKeys.front(),
                    size));
  return step;
}

// Whether the step lasts as long as the link needs for what it brings during the step.
bool link_keeps_up(const LinkConfig& link, const StepMeasurement& whole) {
  return static_cast<double>(whole.in_step.to_device.wire_bytes) <=
         (1 + kMostError) * whole.step_ns * link.bandwidth_gb_per_s;
}

}  // namespace

void check_repeated(const Config& config) {
  if (config.steps == 1 && config.optimizer.accumulate == 1) return;
  throw InputError(place_of(config, "workload.layers"),
                   "workload.layers: repeated is for one step of one micro-batch; found "
                   "workload.steps or workload.optimizer.accumulate above 1");
}

std::pair<RepeatedStep, Simulated> simulate_repeated(const Config& config,
                                                     const RunOptions& options,
                                                     const Workload& workload) {
  const auto repetition = find_repetition(layers_of(workload));
  if (!repetition || repetition->times <= kLeastSimulatedGroups)
    throw refusal(config,
                  fmt::format("expected a group of layers that comes at least {} times, found {}",
                              kLeastSimulatedGroups + 1,
                              repetition ? fmt::format("a group of {} that comes {} times",
                                                       repetition->group, repetition->times)
                                         : std::string("none that repeats")));
  double error = 0;
  bool keeps_up = true;
  std::size_t groups = kLeastSimulatedGroups;
  for (; groups <= kMostSimulatedGroups && groups < repetition->times; groups *= 2) {
    RepeatedStep step = prepare_groups(config, workload, *repetition, groups);
    Simulated simulated = simulate(config, options, step.prepared, build_machine(config, options));
    if (simulated.stopped()) return {std::move(step), std::move(simulated)};
    const std::vector<PlatformSnapshot>& snapshots = simulated.platform.snapshots;
    const StepMeasurement whole =
        extrapolate(config, step, measure(config, step.prepared, simulated), snapshots);
    error = repetition_report(step, snapshots, whole).error;
    keeps_up = link_keeps_up(config.link, whole);
    if (error <= kMostError && keeps_up) return {std::move(step), std::move(simulated)};
  }
  if (!keeps_up)
    throw refusal(
        config,
        "the link takes longer for what the groups left out need than those take, which the "
        "simulated ones, with full rings at their beginning, do not show; expected "
        "workload.layers: whole");
  throw refusal(config, fmt::format("the two groups in the middle of {} still differ: by {:.1f} % "
                                    "of the whole step, where at most {:.0f} % is taken; expected "
                                    "workload.layers: whole",
                                    groups / 2, 100 * error, 100 * kMostError));
}

StepMeasurement extrapolate(const Config& config, const RepeatedStep& step,
                            const StepMeasurement& measured,
                            const std::vector<PlatformSnapshot>& snapshots) {
  const std::size_t extra = left_out(step);
  StepMeasurement whole = measured;

  // What the groups left out add to a count: the mean of the two in the middle each.
  const auto left_out_of = [&](const auto& count) {
    const auto of_two =
        of_middle(step, snapshots, true, count) + of_middle(step, snapshots, false, count);
    return of_two * static_cast<std::decay_t<decltype(of_two)>>(extra) / 2;
  };
  for (std::size_t i = 0; i < whole.counters.size(); ++i)
    whole.counters[i] += left_out_of([&](const PlatformSnapshot& at) { return at.counters[i]; });
  // A half of a cycle may be missing from each activity; the longest one takes what is.
  for (std::size_t unit = 0; unit < interface::kUnitNames.size(); ++unit) {
    const auto begin = whole.counters.begin() +
                       static_cast<std::ptrdiff_t>(unit * interface::kActivityNames.size());
    const auto end = begin + interface::kActivityNames.size();
    *std::max_element(begin, end) += whole.counters[static_cast<std::size_t>(Counter::kCycles)] -
                                     std::accumulate(begin, end, std::uint64_t{0});
  }
  // What does not count cycles follows from the commands.
  const CompiledStep group = commands_of_group(step);
  for (const auto& [counter, count] : account(group, config.machine, config.limits.burst_beats)) {
    const auto i = static_cast<std::size_t>(counter);
    whole.counters[i] = measured.counters[i] + extra * count;
  }
  whole.commands += extra * group.commands.size();
  whole.commands_completed += extra * group.commands.size();
  if (whole.dram) {
    for (const auto sum : kDramSums)
      (*whole.dram).*sum +=
          left_out_of([&](const PlatformSnapshot& at) { return (*at.dram).*sum; });
  }
  whole.step_ns += left_out_of([](const PlatformSnapshot& at) { return at.ns; });
  extrapolate_link(config.link, step, whole);

  extrapolate_phases(step, whole.times.phases);
  extrapolate_list(step, whole.tensors,
                   [](TensorReport& tensor) -> std::string& { return tensor.name; });
  extrapolate_list(step, whole.blocks, [](auto& block) -> std::string& { return block.first; });
  return whole;
}

LayersRepeated repetition_report(const RepeatedStep& step,
                                 const std::vector<PlatformSnapshot>& snapshots,
                                 const StepMeasurement& whole) {
  LayersRepeated report;
  report.layers_of_group = step.repetition.group;
  report.groups = step.repetition.times;
  report.simulated_groups = step.simulated;
  for (const bool later : {false, true})
    report.middle_cycles[later] = of_middle(step, snapshots, later, [](const PlatformSnapshot& at) {
      return at.counters[static_cast<std::size_t>(Counter::kCycles)];
    });
  const auto [low, high] = std::minmax(report.middle_cycles[0], report.middle_cycles[1]);
  report.error = static_cast<double>(left_out(step) * (high - low)) /
                 static_cast<double>(whole.counters[static_cast<std::size_t>(Counter::kCycles)]);
  return report;
}

}  // namespace corank
