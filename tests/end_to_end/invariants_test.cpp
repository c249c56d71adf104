// What must hold in every report, whatever the accelerator, memory, link and layers, and what a
// faster part may not do.
//   CORANK_CASES, CORANK_FIRST   so many cases (default 500) from this one on (default 0)
// A failing case prints the `corank run` line that repeats it.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "host/run/measurement.h"
#include "host/run/run.h"
#include "host/run/simulate.h"
#include "models/base/error.h"
#include "tests/end_to_end/random_setup.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

constexpr std::uint64_t kSeed = 1;

int setting(const char* name, int fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : fallback;
}

struct Setup {
  std::vector<std::string> settings;
  Config config;

  std::string replay(const char* fidelity) const {
    std::string line = fmt::format("corank run - --fidelity {}", fidelity);
    for (const std::string& one : settings) line += " --set '" + one + "'";
    return line;
  }
};

// The first set-up of this number's draws that configuration and compiler accept.
Setup setup_of(int number, const std::string& accelerator = "") {
  draw::Random random(kSeed * 1000003 + static_cast<std::uint64_t>(number));
  while (true) {
    Setup setup{draw_setup(random, accelerator), {}};
    try {
      setup.config = load_config("", setup.settings);
      setup.config.compiler.rehearse = false;  // which blocks are the fastest is not the question
      prepare_step(setup.config);
      return setup;
    } catch (const InputError&) {
    }
  }
}

double amount(std::uint64_t count) { return static_cast<double>(count); }

// Times are rounded to whole femtoseconds, a packet or a burst.
constexpr double kRounding = 1 + 1e-9;

void check_link(const RunReport& report, const LinkConfig& link) {
  const auto direction = [&](std::uint64_t payload, std::uint64_t wire, double ns) {
    CHECK(payload <= wire);
    CHECK(amount(wire) <= ns * link.bandwidth_gb_per_s * kRounding);
    const double packet = link.payload_bytes + link.overhead_bytes;
    CHECK(amount(payload) <=
          ns * link.bandwidth_gb_per_s * link.payload_bytes / packet * kRounding);
  };
  for (const LinkTransfer* transfer :
       {&report.link.upload, &report.link.step, &report.link.download}) {
    direction(transfer->payload_bytes_to_device, transfer->wire_bytes_to_device, transfer->ns);
    direction(transfer->payload_bytes_to_host, transfer->wire_bytes_to_host, transfer->ns);
  }
  CHECK(report.link.bandwidth_gb_per_s <= report.link.peak_gb_per_s * kRounding);
  CHECK(report.total_ns ==
        Approx(report.link.upload.ns + report.link.step.ns + report.link.download.ns));
}

void check_array(const RunReport& report) {
  std::uint64_t phases = 0, gemms = 0, macs = 0;
  for (const PhaseReport& phase : report.phases) {
    phases += phase.cycles;
    CHECK(phase.streaming <= phase.cycles);
    CHECK(phase.utilisation <= 1);
    std::uint64_t lost = 0;
    for (const std::uint64_t cycles : phase.lost) lost += cycles;
    CHECK(lost <= phase.cycles);
  }
  CHECK(phases <= report.cycles);
  for (const GemmReport& gemm : report.gemms) {
    gemms += gemm.cycles;
    macs += gemm.macs;
    CHECK(gemm.utilisation <= 1);
  }
  CHECK(gemms == phases);
  CHECK(amount(macs) <=
        amount(report.cycles) * report.machine.array_rows * report.machine.array_columns);
}

void check_report(const RunReport& report, const Config& config) {
  CHECK(report.passed());
  for (const UnitReport& unit : report.units) {
    std::uint64_t sum = 0;
    for (const std::uint64_t cycles : unit.cycles) sum += cycles;
    CHECK(sum == report.cycles);
  }
  check_array(report);

  // From the doorbell to the interrupt, as the device counts it and as the host sees it: one
  // message each way more, and a cycle or two until either sees the other.
  const double cycle_ns = 1e3 / config.limits.clock_mhz;
  CHECK(report.step_ns == Approx(amount(report.cycles) * cycle_ns));
  CHECK(report.step_ns <= report.link.step.ns);
  check_link(report, config.link);

  const double bus = config.machine.axi_data_bits / 8 * amount(report.cycles);
  CHECK(amount(report.axi.bytes_read) <= bus);
  CHECK(amount(report.axi.bytes_written) <= bus);
  CHECK(report.axi.share_of_peak <= 1);
  CHECK(report.memory.bandwidth_gb_per_s <= report.memory.peak_gb_per_s * kRounding);
  CHECK(report.memory.share_of_peak <= kRounding);
  if (report.dram) {
    CHECK(share_of_peak(report.dram->statistics) <= 1);
    CHECK(busy_share(report.dram->statistics) <= 1);
  }

  double energy = 0;
  for (const EnergyLine& line : report.energy) {
    CHECK(line.low_pj() <= line.total_pj());
    CHECK(line.total_pj() <= line.high_pj());
    energy += line.total_pj();
  }
  CHECK(report.energy_pj == Approx(energy));
  const EnergySum sum = sum_of(report.energy);
  double parts = 0;
  for (const double part : sum.parts_pj) parts += part;
  CHECK(parts == Approx(energy));
  CHECK(sum.low_pj <= energy * kRounding);
  CHECK(energy <= sum.high_pj * kRounding);
  if (!report.energy.empty() && report.cycles > 0) {
    CHECK(sum.part_pj(EnergyPart::kClock) > 0);
    CHECK(sum.part_pj(EnergyPart::kLeakage) > 0);
  }
}

const RunOptions kCycle = [] {
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  return options;
}();

std::string setting_of(const MachineShape& m) {
  return fmt::format(
      "accelerator={{array: {{rows: {}, columns: {}}}, vector: {{lanes: {}}}, scratchpad: {{kib: "
      "{}, "
      "banks: {}}}, accumulator: {{kib: {}, banks: {}}}, axi: {{data_bits: {}}}, queue_depth: {}, "
      "parity: {}}}",
      m.array_rows, m.array_columns, m.vector_lanes, m.scratchpad_kib, m.scratchpad_banks,
      m.accumulator_kib, m.accumulator_banks, m.axi_data_bits, m.queue_depth, m.parity);
}

// The step of a program that was compiled for `compiled`, in ns, with the parts of `config`.
double step_ns(const Config& config, const PreparedStep& prepared) {
  const Simulated simulated = simulate(config, kCycle, prepared, "");
  const StepMeasurement measured = measure(config, prepared, simulated);
  return amount(measured.counters[static_cast<std::size_t>(interface::Counter::kCycles)]) * 1e3 /
         config.limits.clock_mhz;
}

bool waits_for_host(const RunReport& report) {
  return std::any_of(report.units.begin(), report.units.end(), [](const UnitReport& unit) {
    return unit.cycles[static_cast<std::size_t>(interface::Activity::kWaitHost)] > 0;
  });
}

// Parts of a set-up, each with a way to make it slower.
struct Component {
  const char* name;
  void (*slow)(Config& config, double by);
};
const Component kClock = {"clock",
                          [](Config& config, double by) { config.limits.clock_mhz /= by; }};
const Component kMemory = {"memory", [](Config& config, double by) {
                             config.memory.bandwidth_gb_per_s /= by;
                             config.memory.dram.device.timing.tCK_ns *= by;
                           }};
const Component kLink = {"link",
                         [](Config& config, double by) { config.link.bandwidth_gb_per_s /= by; }};
const Component kMemoryLatency = {
    "memory latency", [](Config& config, double by) { config.memory.latency_ns *= by; }};
const Component kLinkLatency = {"link latency",
                                [](Config& config, double by) { config.link.latency_ns *= by; }};

// The part that a report's bound names; null: waiting bounds the step, and none is named.
const Component* bound_of(const RunReport& report) {
  const auto says = [&](const char* word) { return report.bound.find(word) == 0; };
  if (says("latency and dependencies")) return nullptr;
  if (says("memory")) return &kMemory;
  if (says("the host link")) return &kLink;
  REQUIRE((says("compute (the array)") || says("the vector unit") || says("the AXI port")));
  return &kClock;  // all of these are the accelerator's
}

// What a step may be off because it began elsewhere in the DRAM's refresh interval, in ns: two
// refreshes, each with the banks to open again, and a share of the rest.
double tolerance(const Config& config, double ns) {
  if (config.memory.kind != MemoryKind::kDram) return 0.01 * ns;
  const DramTiming& timing = config.memory.dram.device.timing;
  return 0.03 * ns + 2 * (timing.tRFC + timing.tRC) * timing.tCK_ns;
}

}  // namespace

TEST_CASE("every report keeps the invariants, over all memories and links", "[invariants]") {
  const int first = setting("CORANK_FIRST", 0), cases = setting("CORANK_CASES", 500);
  int waiting = 0, dram = 0, streamed = 0;
  for (int number = first; number < first + cases; ++number) {
    const Setup setup = setup_of(number);
    INFO("case " << number << ": " << setup.replay("cycle"));
    const RunReport report = run(setup.config, kCycle);
    check_report(report, setup.config);
    waiting += waits_for_host(report);
    dram += report.dram.has_value();
    streamed += setup.config.weights == Weights::kStreamed;
  }
  if (cases < 500) return;
  CHECK(waiting >= 50);
  CHECK(dram >= 200);
  CHECK(streamed >= 100);
}

TEST_CASE("every report of the RTL keeps the invariants, and is the cycle model's",
          "[invariants]") {
  const std::int64_t most_cycles = 100000;
  const std::vector<MachineShape> machines = test_machines();
  int cases = 0;
  for (int number = setting("CORANK_FIRST", 0); cases < 36; ++number) {
    Setup setup =
        setup_of(number, setting_of(machines[static_cast<std::size_t>(number) % machines.size()]));
    const RunReport model = run(setup.config, kCycle);
    if (model.simulation.cycles > most_cycles) continue;
    ++cases;
    INFO("case " << number << ": " << setup.replay("rtl"));
    setup.config.values = true;
    const RunReport report = run(setup.config, {});
    check_report(report, setup.config);
    CHECK(report.counters == model.counters);
    CHECK(report.link.step.ns == model.link.step.ns);
    CHECK(report.total_ns == model.total_ns);
  }
}

TEST_CASE("a resident step depends neither on the upload nor on a link that keeps up",
          "[invariants]") {
  const int first = setting("CORANK_FIRST", 0), cases = setting("CORANK_CASES", 200);
  int compared = 0;
  for (int number = first; number < first + cases; ++number) {
    const Setup setup = setup_of(number);
    if (setup.config.weights != Weights::kResident) continue;
    INFO("case " << number << ": " << setup.replay("cycle"));
    const RunReport report = run(setup.config, kCycle);
    Config other = setup.config;
    other.link.bandwidth_gb_per_s *= 3;
    other.link.latency_ns *= 0.3;
    const RunReport faster = run(other, kCycle);
    if (waits_for_host(report) || waits_for_host(faster)) continue;
    ++compared;
    CHECK(std::abs(report.step_ns - faster.step_ns) <= tolerance(setup.config, report.step_ns));
  }
  CHECK(compared >= cases / 3);
}

TEST_CASE("no part that is slower makes the step of one program faster", "[invariants]") {
  const int first = setting("CORANK_FIRST", 0), cases = setting("CORANK_CASES", 150);
  for (int number = first; number < first + cases; ++number) {
    const Setup setup = setup_of(number);
    INFO("case " << number << ": " << setup.replay("cycle"));
    const PreparedStep prepared = prepare_step(setup.config);
    const double ns = step_ns(setup.config, prepared);
    for (const Component& part : {kMemory, kLink, kMemoryLatency, kLinkLatency}) {
      for (const double by : {1.3, 4.0}) {
        INFO(part.name << " slower by " << by);
        Config slower = setup.config;
        part.slow(slower, by);
        CHECK(step_ns(slower, prepared) >= ns - tolerance(setup.config, ns));
      }
    }
  }
}

TEST_CASE("half the speed of the named bound costs at least as much as half that of another part",
          "[invariants]") {
  const int first = setting("CORANK_FIRST", 0), cases = setting("CORANK_CASES", 150);
  int named = 0;
  for (int number = first; number < first + cases; ++number) {
    const Setup setup = setup_of(number);
    const RunReport report = run(setup.config, kCycle);
    const Component* bound = bound_of(report);
    if (bound == nullptr) continue;
    ++named;
    INFO("case " << number << ", bound by " << report.bound << ": " << setup.replay("cycle"));
    const PreparedStep prepared = prepare_step(setup.config);
    const auto with_half = [&](const Component& part) {
      Config slower = setup.config;
      part.slow(slower, 2);
      return step_ns(slower, prepared);
    };
    const double costs = with_half(*bound);
    for (const Component& other : {kClock, kMemory, kLink}) {
      INFO(other.name);
      CHECK(with_half(other) <= costs + tolerance(setup.config, report.step_ns));
    }
  }
  CHECK(named >= cases / 4);
}
