#include "host/run/simulate.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "host/driver/device_executor.h"
#include "host/run/device_memory.h"
#include "host/run/progress.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "sim/machine/build.h"
#include "sim/system/interruption.h"

namespace corank {

namespace {

// Every micro-batch has its own commands.
constexpr std::int64_t kMostMicroBatches = 1024;

// The accelerator has formats of its own, and no files of a model to write.
void check_layers(const Config& config) {
  const auto refuse = [&](const std::string& key, const std::string& found) {
    throw InputError(place_of(config, key),
                     key + ": found " + found +
                         ", which the step of a captured layer (workload.capture) does not have");
  };
  if (config.optimizer.accumulate > kMostMicroBatches)
    throw InputError(place_of(config, "workload.optimizer.accumulate"),
                     fmt::format("workload.optimizer.accumulate: expected at most {} micro-batches "
                                 "of layers, whose commands make one program; found {}",
                                 kMostMicroBatches, config.optimizer.accumulate));
  require_device_numerics(config);
  if (config.pass == RunPass::kForward) refuse("workload.pass", name_of(config.pass));
  if (config.recompute != RecomputePolicy::kNone)
    refuse("workload.recompute", name_of(config.recompute));
  if (config.lora_fa) refuse("workload.lora_fa", "true");
  if (config.optimizer.lora_plus.ratio != 0)
    refuse("workload.optimizer.lora_plus.ratio", short_number(config.optimizer.lora_plus.ratio));
  if (config.write_gradients) refuse("output.gradients", "true");
  if (config.write_logits) refuse("output.logits", "true");
}

// The sustained fraction of a memory's peak bandwidth that the compiler assumes: of a DRAM, refresh
// and the turns between reads and writes take the rest.
double sustained_share(const MemoryConfig& memory) {
  return memory.kind == MemoryKind::kDram ? 0.9 : 1;
}

std::uint64_t memory_bytes(const Config& config) { return size_bytes(config.memory); }

// SystemC counts femtoseconds in 64 bits, which are five hours; the rest is for the step itself.
constexpr double kMostLinkSeconds = 9000;

// What goes over the link one after another, in packets as full as they can be.
void check_link_time(const Config& config, const PreparedProgram& prepared) {
  const LinkConfig& link = config.link;
  const LinkBytes bytes = expected_link_bytes(prepared.step, prepared.program, {});
  const auto payload =
      static_cast<double>(bytes.loaded + prepared.asked_bytes) +
      static_cast<double>(prepared.steps) * static_cast<double>(bytes.to_device(false));
  const double wire = payload * (1 + static_cast<double>(link.overhead_bytes) /
                                         static_cast<double>(link.payload_bytes));
  const double seconds = wire / (link.bandwidth_gb_per_s * 1e9);
  if (seconds > kMostLinkSeconds)
    throw InputError(
        place_of(config, "link"),
        fmt::format("link: the {} transfers take {:.6g} s; expected at most {} s, which "
                    "can be simulated",
                    prepared.steps == 1 ? "step's" : "steps'", seconds, kMostLinkSeconds));
}

}  // namespace

void check_waves(const RunOptions& options) {
  if (options.fidelity == Fidelity::kCycle && options.waves)
    throw InputError("--waves: the cycle model has no signals; expected --fidelity rtl");
}

void require_device_numerics(const Config& config) {
  if (config.places.count("numerics") == 0 || config.numerics == Numerics::kBf16) return;
  throw InputError(place_of(config, "numerics"),
                   std::string("numerics: the accelerator computes in bf16; expected bf16, or no "
                               "such key; found ") +
                       name_of(config.numerics));
}

MemoryTiming memory_timing_of(const Config& config) {
  const double cycles_per_ns = config.limits.clock_mhz / 1e3;
  return {sustained_share(config.memory) * config.memory.bandwidth_gb_per_s / cycles_per_ns,
          config.memory.latency_ns * cycles_per_ns, config.limits.outstanding_bursts,
          config.limits.burst_beats};
}

namespace {

// What the compiler finds wrong is told with its place in the configuration.
template <class Work>
auto compile_with(const Work& work, const Config& config, const TrainingProgram& program,
                  const QuantizedMap& packed) {
  try {
    return work(program, config.machine, config.compiler, memory_bytes(config),
                WeightStream{config.weights == Weights::kStreamed, config.stream_tiles},
                memory_timing_of(config), packed);
  } catch (const KeyError& error) {
    std::string message = error.what();
    if (error.keys() == kMemoryKeys)
      message += "; by their shapes alone: " +
                 bytes_by_role_text(program, config.weights == Weights::kStreamed);
    throw InputError(location_of(config, error.keys()), message);
  } catch (const InputError& error) {  // an op that the accelerator does not run
    throw InputError(place_of(config, config.model.empty() ? "workload" : "workload.model"),
                     error.what());
  }
}

}  // namespace

CompiledStep compile_for(const Config& config, const TrainingProgram& program,
                         const QuantizedMap& packed) {
  return compile_with([](const auto&... arguments) { return compile(arguments...); }, config,
                      program, packed);
}

Plan plan_memory_for(const Config& config, const TrainingProgram& program) {
  return compile_with(plan_memory, config, program, {});
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
  platform.values = config.values;
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
  options.values = config.values;
  return options;
}

ExecutedStep execute_steps(Executor& executor, const PreparedStep& prepared) {
  executor.load(prepared.inputs, prepared.packed);
  TensorMap feeds;
  std::set<std::string> results;
  for (const Value& value : prepared.program.graph.values) {
    const auto input = prepared.inputs.find(value.name);
    if (is_fed(value) && input != prepared.inputs.end()) feeds.insert(*input);
    if (value.role == Role::kResult) results.insert(value.name);
  }
  ExecutedStep executed;
  for (std::int64_t step = 0; step < prepared.steps && !executed.stopped; ++step) {
    for (auto& [name, tensor] : optimizer_feeds(prepared.program, step))
      feeds[name] = std::move(tensor);
    const bool last = step + 1 == prepared.steps;
    executed = executor.step(feeds, last ? results : std::set<std::string>{});
  }
  return executed;
}

PreparedStep prepare_step(const Config& config, Workload workload) {
  check_layers(config);
  PreparedStep prepared;
  prepared.steps = config.steps;
  OptimizerSettings optimizer = config.optimizer;
  if (optimizer.schedule.total == 0) optimizer.schedule.total = config.steps;
  prepared.program = linear_layers(layers_of(workload), optimizer);
  TensorMap inputs = take_inputs(workload);
  prepared.packed = take_packed(prepared.program.graph, config.quantize, inputs);
  if (config.values) prepared.inputs = inputs_of(prepared.program, std::move(inputs));
  prepared.workload = std::move(workload);
  prepared.step = compile_for(config, prepared.program, prepared.packed);
  prepared.asked_bytes =
      expected_link_bytes(prepared.step, prepared.program, results_of(prepared.program)).asked;
  return prepared;
}

PreparedStep prepare_step(const Config& config) {
  return prepare_step(config, read_workload(config));
}

Simulated simulate(const Config& config, const RunOptions& options, const PreparedStep& prepared,
                   const std::string& machine, const SimulationObserver& observer) {
  const DeviceWork work = [&](Executor& device) { return execute_steps(device, prepared).results; };
  return simulate(config, options, prepared, machine, work, observer);
}

Simulated simulate(const Config& config, const RunOptions& options, const PreparedProgram& prepared,
                   const std::string& machine, const DeviceWork& work,
                   const SimulationObserver& observer) {
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
  const std::size_t commands = prepared.step.commands.size();
  if (!observer.event) {
    events.reserve(commands);
    if (options.progress)
      progress.emplace(commands * static_cast<std::size_t>(prepared.steps),
                       config.limits.clock_mhz);
    platform.observer.event = [&](const TraceEvent& event) {
      if (progress) progress->command(event.end);
      if (event.command >= commands) return;  // of a later step
      events.push_back(event);
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
    DeviceExecutor device(host, prepared.step, prepared.program, config.machine, driver);
    simulated.results = work(device);
    simulated.steps = device.take_measured();
    if (!simulated.stopped()) device.reset();
  });
  if (!observer.event) {
    std::vector<TraceEvent>& trace = simulated.platform.trace;  // what did not end
    for (const TraceEvent& event : trace) {
      if (event.command < commands) events.push_back(event);
    }
    trace = std::move(events);
  }
  return simulated;
}

}  // namespace corank
