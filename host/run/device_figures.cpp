#include "host/run/device_figures.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "host/driver/device_executor.h"
#include "host/run/device_memory.h"
#include "host/run/memory_over_time.h"
#include "host/run/step_costs.h"
#include "host/run/step_work.h"
#include "host/run/touched_memory.h"

namespace corank {
namespace {

using interface::Counter;

// Which kind of product has which counters differs from model to model.
void add_up_kinds(DeviceCounters& counters) {
  for (const Counter first : {Counter::kGemmMacs0, Counter::kGemmSlots0}) {
    const auto begin = static_cast<std::size_t>(first);
    for (std::size_t kind = 1; kind < interface::kGemmKinds; ++kind)
      counters[begin] += std::exchange(counters[begin + kind], 0);
  }
}

// What grows by the same for each layer: a figure of `more` layers and `step` layers fewer becomes
// that of `left_out` layers more.
class Growth {
 public:
  Growth(int step, int left_out) : step_(step), left_out_(left_out) {}

  double of(double fewer, double more) const { return more + (more - fewer) / step_ * left_out_; }
  template <class Count>
  Count of(Count fewer, Count more) const {
    const auto difference = static_cast<std::int64_t>(more) - static_cast<std::int64_t>(fewer);
    return static_cast<Count>(static_cast<std::int64_t>(more) + difference * left_out_ / step_);
  }
  /// The members of `more` become those of the whole.
  template <class Struct, class... Members>
  void grow(const Struct& fewer, Struct& more, Members... members) const {
    ((more.*members = of(fewer.*members, more.*members)), ...);
  }

 private:
  std::int64_t step_, left_out_;
};

void grow(const Growth& growth, const LinkStatistics& fewer, LinkStatistics& more) {
  using Direction = LinkDirectionStatistics;
  for (const auto direction : {&LinkStatistics::to_device, &LinkStatistics::to_host})
    growth.grow(fewer.*direction, more.*direction, &Direction::packets, &Direction::payload_bytes,
                &Direction::wire_bytes, &Direction::busy_ns);
}

void grow(const Growth& growth, const StepSums& fewer, StepSums& more) {
  for (std::size_t i = 0; i < more.counters.size(); ++i)
    more.counters[i] = growth.of(fewer.counters[i], more.counters[i]);
  if (more.dram)
    for (const auto sum : kDramSums)
      (*more.dram).*sum = growth.of((*fewer.dram).*sum, (*more.dram).*sum);
  for (const auto link : {&StepSums::upload, &StepSums::in_step, &StepSums::download})
    grow(growth, fewer.*link, more.*link);
  using Port = MemoryPortStatistics;
  growth.grow(fewer.link_in_step, more.link_in_step, &Port::reads, &Port::writes, &Port::read_bytes,
              &Port::written_bytes);
  growth.grow(fewer, more, &StepSums::upload_ns, &StepSums::step_ns, &StepSums::download_ns);
}

// Kinds of products are those of the model with more layers.
void grow(const Growth& growth, const std::vector<GemmReport>& fewer, std::vector<GemmReport>& more,
          double pes) {
  for (GemmReport& gemm : more) {
    const auto other = std::find_if(fewer.begin(), fewer.end(),
                                    [&](const GemmReport& one) { return one.kind == gemm.kind; });
    growth.grow(other == fewer.end() ? GemmReport{} : *other, gemm, &GemmReport::macs,
                &GemmReport::cycles, &GemmReport::slots);
    gemm.utilisation =
        ratio(static_cast<double>(gemm.macs), static_cast<double>(gemm.cycles) * pes);
  }
}

// Layers in the middle are alike: the last one but one is copied, the last one moves up.
StepWorkByKey of_all_layers(const StepWorkByKey& work, int more, int layers) {
  StepWorkByKey whole;
  for (const auto& [of, one] : work) {
    WorkKey key = of;
    const int layer = key.layer;
    const int copies = layer == more - 2 ? layers - more : 0;
    if (layer == more - 1) key.layer = layers - 1;
    for (int copy = 0; copy <= copies; ++copy, ++key.layer) whole[key] = one;
  }
  return whole;
}

std::uint64_t cycles_of_layer(const StepWorkByKey& work, int layer) {
  std::uint64_t cycles = 0;
  for (const auto& [key, one] : work)
    if (key.layer == layer) cycles += one.cycles();
  return cycles;
}

void add(EnergySum& sum, const EnergySum& other) {
  sum.pj += other.pj;
  sum.low_pj += other.low_pj;
  sum.high_pj += other.high_pj;
  for (std::size_t part = 0; part < other.parts_pj.size(); ++part)
    sum.parts_pj[part] += other.parts_pj[part];
}

// Every step has the same actions. Gates' figures an event are those of a step's own events: here
// they become the mean.
void add(std::vector<EnergyLine>& all, const std::vector<EnergyLine>& step) {
  if (all.empty()) {
    all = step;
    return;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EnergyLine& line = all[i];
    const double count = line.count + step[i].count;
    const auto mean = [&](double before, double added) {
      return before == added || count == 0 ? before
                                           : (before * line.count + added * step[i].count) / count;
    };
    line.entry.pj = mean(line.entry.pj, step[i].entry.pj);
    line.entry.low_pj = mean(line.entry.low_pj, step[i].entry.low_pj);
    line.entry.high_pj = mean(line.entry.high_pj, step[i].entry.high_pj);
    line.count = count;
  }
}

}  // namespace

std::int64_t tokens_of(const PreparedFinetune& prepared, std::size_t steps) {
  const Batches& batches = prepared.batches;
  const std::int64_t of_step =
      prepared.program.optimizer.accumulate * batches.batch * batches.sequence;
  const auto* mask = batches.attention_mask.data<std::int64_t>() + prepared.first_step * of_step;
  return std::accumulate(mask, mask + static_cast<std::int64_t>(steps) * of_step, std::int64_t{0});
}

DeviceFigures figures_of(const Config& config, const PreparedFinetune& prepared,
                         const Simulated& simulated, const StepMeasurement& first) {
  DeviceFigures figures;
  figures.commands = prepared.step.commands.size();
  figures.memory = memory_by_role(prepared.step, prepared.program.graph);
  figures.touched_bytes = touched_bytes(prepared.step, config.machine);
  figures.tokens = tokens_of(prepared, simulated.steps.size());
  for (std::size_t i = 0; i < simulated.steps.size(); ++i) {
    figures.steps.push_back(sums_of_step(simulated, i));
    add_up_kinds(figures.steps.back().counters);
    figures.link.push_back(
        expected_link_bytes(prepared.step, prepared.program,
                            values_named(prepared.program.graph,
                                         prepared.asked.of_step(static_cast<std::int64_t>(i)))));
    if (i > 0) figures.link.back().loaded = 0;
  }
  figures.gemms = gemms_of(first, config.machine);
  if (simulated.stopped()) return figures;
  figures.work = step_work(config, prepared, simulated, first);
  figures.memory_over_time = memory_over_time(prepared, simulated, figures.memory);
  return figures;
}

DeviceFigures extrapolated(const DeviceFigures& of_fewer, int fewer, const DeviceFigures& of_more,
                           int more, int layers, const MachineShape& machine) {
  const Growth growth(more - fewer, layers - more);
  DeviceFigures whole = of_more;
  growth.grow(of_fewer, whole, &DeviceFigures::commands);
  for (std::size_t i = 0; i < whole.steps.size(); ++i) {
    grow(growth, of_fewer.steps[i], whole.steps[i]);
    growth.grow(of_fewer.link[i], whole.link[i], &LinkBytes::loaded, &LinkBytes::fed,
                &LinkBytes::programs, &LinkBytes::commands, &LinkBytes::streamed,
                &LinkBytes::asked);
  }
  grow(growth, of_fewer.gemms, whole.gemms, pes_of(machine));
  whole.work = of_all_layers(of_more.work, more, layers);
  whole.memory_over_time.clear();
  whole.touched_bytes.reset();
  return whole;
}

ModelRepeated repetition_of(const DeviceFigures& of_fewer, int fewer, const DeviceFigures& of_more,
                            int more, const DeviceFigures& whole, int layers) {
  const auto cycles_of = [](const DeviceFigures& figures) {
    return at(figures.steps.front().counters, Counter::kCycles);
  };
  ModelRepeated repeated;
  repeated.layers = layers;
  repeated.simulated_layers = more;
  repeated.added_cycles =
      (cycles_of(of_more) - cycles_of(of_fewer)) / static_cast<std::uint64_t>(more - fewer);
  repeated.middle_cycles = cycles_of_layer(of_more.work, more - 2);
  const auto [low, high] = std::minmax(repeated.added_cycles, repeated.middle_cycles);
  repeated.error = ratio(static_cast<double>(high - low) * (layers - more),
                         static_cast<double>(cycles_of(whole)));
  return repeated;
}

DeviceReport device_report(const Config& config, const DeviceFigures& figures) {
  DeviceReport report;
  report.values = config.values;
  report.machine = config.machine;
  report.limits = config.limits;
  report.memory_model = config.memory;
  report.link = config.link.name;
  report.link_gb_per_s = config.link.bandwidth_gb_per_s;
  report.weights = config.weights;
  report.memory = figures.memory;
  report.touched_bytes = figures.touched_bytes;
  report.commands = figures.commands;
  report.tokens = figures.tokens;
  report.gemms = figures.gemms;
  report.work = figures.work;
  report.memory_over_time = figures.memory_over_time;
  report.energy_table = config.energy.name;
  report.energy_node = config.energy.node;
  const MachineSilicon silicon = machine_silicon(config.machine, config.energy.node);
  StepWork work;
  for (std::size_t i = 0; i < figures.steps.size(); ++i) {
    const StepSums& sums = figures.steps[i];
    report.steps.push_back(step_report(config, silicon, sums, figures.link[i]));
    const std::vector<EnergyLine> lines = energy_of(config, silicon, sums);
    add(report.energy, sum_of(lines));
    add(report.energy_lines, lines);
    work.macs += static_cast<double>(at(sums.counters, Counter::kGemmMacs0));
  }
  const StepReport all = sum_of(report.steps);
  work.tokens = static_cast<double>(report.tokens);
  work.step_ns = all.step_ns;
  work.total_ns = all.upload_ns + all.step_ns + all.download_ns;
  work.energy_pj = report.energy.pj;
  work.energy_node = config.energy.node;
  report.silicon = silicon_report(config.machine, config.limits.clock_mhz, work);
  const StepSums& first = figures.steps.front();
  report.bound = bound_of(config, first);
  report.units = units_of(first.counters);
  report.array_utilisation =
      array_utilisation(report.gemms, report.steps.front().cycles, config.machine);
  return report;
}

}  // namespace corank
