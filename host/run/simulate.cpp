#include "host/run/simulate.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "host/run/progress.h"
#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/system/interruption.h"

namespace corank {

namespace {

// The step of a captured layer is one AdamW step in the accelerator's formats.
void check_layer_step(const Config& config) {
  const OptimizerSettings& optimizer = config.optimizer;
  const auto refuse = [&](const std::string& key, const std::string& found) {
    throw InputError(place_of(config, key),
                     key + ": found " + found +
                         ", which the step of a captured layer (workload.capture) does not have");
  };
  if (config.numerics != "bf16") refuse("numerics", config.numerics);
  if (optimizer.name != "adamw") refuse("workload.optimizer.name", optimizer.name);
  if (optimizer.schedule.name != "constant" || optimizer.schedule.warmup != 0)
    refuse("workload.optimizer.schedule", "a schedule");
  if (optimizer.clip_norm != 0) refuse("workload.optimizer.clip_norm", "a limit");
  if (optimizer.accumulate != 1) refuse("workload.optimizer.accumulate", "several micro-batches");
  if (config.write_gradients) refuse("output.gradients", "true");
  if (config.write_logits) refuse("output.logits", "true");
}

// Of a memory's peak, about: of a DRAM, refresh and the turns between reads and writes take the
// rest.
double sustained_share(const MemoryConfig& memory) { return memory.kind == "dram" ? 0.9 : 1; }

std::uint64_t memory_bytes(const Config& config) { return size_bytes(config.memory); }

// SystemC counts femtoseconds in 64 bits, which are five hours; the rest is for the step itself.
constexpr double kMostLinkSeconds = 9000;

// What goes over the link one after another, in packets as full as they can be.
void check_link_time(const Config& config, const PreparedStep& prepared) {
  const LinkConfig& link = config.link;
  const LinkBytes bytes = expected_link_bytes(prepared.step, prepared.graph);
  const auto payload = static_cast<double>(bytes.to_device + bytes.to_host);
  const double wire = payload * (1 + static_cast<double>(link.overhead_bytes) /
                                         static_cast<double>(link.payload_bytes));
  const double seconds = wire / (link.bandwidth_gb_per_s * 1e9);
  if (seconds > kMostLinkSeconds)
    throw InputError(place_of(config, "link"),
                     fmt::format("link: the step's transfers take {:.6g} s; expected at most {} s, "
                                 "which can be simulated",
                                 seconds, kMostLinkSeconds));
}

}  // namespace

CompiledStep compile_for(const Config& config, const Graph& graph) {
  const double cycles_per_ns = config.limits.clock_mhz / 1e3;
  const MemoryTiming memory{
      sustained_share(config.memory) * config.memory.bandwidth_gb_per_s / cycles_per_ns,
      config.memory.latency_ns * cycles_per_ns, config.limits.outstanding_bursts,
      config.limits.burst_beats};
  try {
    return compile(graph, config.machine, config.compiler, memory_bytes(config),
                   {config.weights == "streamed", config.stream_tiles}, memory);
  } catch (const KeyError& error) {
    throw InputError(location_of(config, error.keys()), error.what());
  }
}

std::string build_machine(const Config& config, const RunOptions& options) {
  if (options.fidelity != Fidelity::kRtl) return "";
  MachineBuildOptions build;
  build.waves = options.waves.has_value();
  build.quiet = !options.progress;
  build.stop = options.stop;
  const OrderlyEnd orderly;  // the tools end first
  return machine_library(config.machine, build);
}

PlatformConfig platform_of(const Config& config) {
  PlatformConfig platform;
  platform.values = config.values == "on";
  platform.shape = config.machine;
  platform.limits = config.limits;
  platform.memory = config.memory;
  platform.link = config.link;
  platform.stalls = config.stalls;
  platform.faults = config.faults;
  return platform;
}

DriverOptions driver_options_of(const Config& config) {
  DriverOptions options;
  options.limits = config.limits;
  options.watchdog_cycles = config.watchdog_cycles;
  options.memory_size_bytes = memory_bytes(config);
  options.values = config.values == "on";
  return options;
}

PreparedStep prepare_step(const Config& config, Workload workload) {
  check_layer_step(config);
  PreparedStep prepared;
  prepared.workload = std::move(workload);
  prepared.inputs = inputs_of(prepared.workload);
  prepared.graph = build_layer_steps(steps_of(prepared.workload));
  prepared.step = compile_for(config, prepared.graph);
  return prepared;
}

PreparedStep prepare_step(const Config& config) {
  return prepare_step(config, read_workload(config));
}

Simulated simulate(const Config& config, const RunOptions& options, const PreparedStep& prepared,
                   const std::string& machine, const SimulationObserver& observer) {
  check_link_time(config, prepared);
  PlatformConfig platform = platform_of(config);
  platform.fidelity = options.fidelity;
  platform.machine_library = machine;
  platform.wave_file = options.waves.value_or("");
  platform.trace = true;
  platform.transactions = observer.transaction || options.trace;
  platform.observer = observer;
  HostPort* port = nullptr;
  std::optional<Progress> progress;
  std::vector<TraceEvent> events;
  std::size_t snapshots = 0;
  if (!observer.event) {
    events.reserve(prepared.step.commands.size());
    if (options.progress) progress.emplace(prepared.step.commands.size(), config.limits.clock_mhz);
    platform.observer.event = [&](const TraceEvent& event) {
      events.push_back(event);
      if (progress) progress->command(event.end);
      if (snapshots == prepared.snapshots_after.size() ||
          event.command != prepared.snapshots_after[snapshots])
        return;
      port->take_snapshot();
      ++snapshots;
    };
  }
  DriverOptions driver = driver_options_of(config);
  driver.stop = options.stop;
  Simulated simulated;
  simulated.platform = run_platform(platform, [&](HostPort& host) {
    port = &host;
    simulated.result =
        run_step(host, prepared.step, prepared.graph, config.machine, prepared.inputs, driver);
  });
  if (!observer.event) {
    std::vector<TraceEvent>& trace = simulated.platform.trace;  // what did not end
    events.insert(events.end(), trace.begin(), trace.end());
    trace = std::move(events);
  }
  return simulated;
}

}  // namespace corank
