#include "host/report/device_report.h"

#include <catch2/catch.hpp>

using namespace corank;
using Catch::Contains;

namespace {

StepReport step(double upload_ns, double step_ns, double download_ns, double energy_pj) {
  StepReport one;
  one.cycles = 1000;
  one.upload_ns = upload_ns;
  one.step_ns = step_ns;
  one.download_ns = download_ns;
  one.energy_pj = energy_pj;
  return one;
}

std::vector<RoleBytes> memory(std::uint64_t stash, std::uint64_t activations, std::uint64_t gaps) {
  return {{"frozen", 4'000'000},        {"adapter", 0},         {"stash", stash},
          {"activations", activations}, {"weight ring", 8'000}, {"gaps", gaps}};
}

DeviceReport small_report() {
  DeviceReport report;
  report.limits.clock_mhz = 500;
  report.memory = memory(3'000'000, 500'000, 250'000);
  report.memory_over_time = {{1000, "first", memory(0, 750'000, 3'000'000)},
                             {5000, "dlogits", memory(3'000'000, 500'000, 250'000)},
                             {9000, "last", memory(0, 0, 3'750'000)}};
  report.steps = {step(400, 1000, 100, 5e6)};
  report.machine.array_rows = 16;
  report.machine.array_columns = 8;
  report.memory_model.bandwidth_gb_per_s = 25;
  return report;
}

}  // namespace

TEST_CASE("of an epoch of which all steps were simulated time and energy are their sums",
          "[epoch]") {
  const std::optional<Epoch> epoch =
      epoch_of({step(400, 1000, 100, 5e6), step(50, 900, 50, 3e6)}, 2);
  REQUIRE(epoch);
  CHECK(epoch->steps == 2);
  CHECK(epoch->simulated_steps == 2);
  CHECK(epoch->seconds == Approx(2.5e-6));  // 1500 + 1000 ns
  CHECK(epoch->energy_pj == 8e6);
  const std::optional<Epoch> single = epoch_of({step(400, 1000, 100, 5e6)}, 1);
  REQUIRE(single);
  CHECK(single->seconds == Approx(1.5e-6));
}

TEST_CASE("steps of an epoch that were not simulated are like those behind the first one",
          "[epoch]") {
  const std::optional<Epoch> epoch =
      epoch_of({step(400, 1000, 100, 5e6), step(50, 900, 50, 3e6), step(50, 1100, 50, 4e6)}, 12);
  REQUIRE(epoch);
  CHECK(epoch->steps == 12);
  CHECK(epoch->simulated_steps == 3);
  CHECK(epoch->seconds == Approx(1.5e-6 + 11 * 1.1e-6));
  CHECK(epoch->energy_pj == Approx(5e6 + 11 * 3.5e6));
  // The first one, in which everything is loaded, tells nothing of the others.
  CHECK_FALSE(epoch_of({step(400, 1000, 100, 5e6)}, 12));
  CHECK_FALSE(epoch_of({}, 12));
}

TEST_CASE("a report says what an epoch takes, and how much of that was simulated", "[epoch]") {
  DeviceReport report = small_report();
  CHECK_THAT(device_lines(report), !Contains("epoch"));
  CHECK_FALSE(to_json(report).contains("epoch"));
  report.epoch = Epoch{4, 4, 2.5e-3, 8e9};
  CHECK_THAT(device_lines(report), Contains("  an epoch                  of 4 steps takes 2.5 ms "
                                            "and 8 mJ, the sum of all of them\n"));
  report.epoch = Epoch{400, 3, 2.5, 8e12};
  CHECK_THAT(device_lines(report),
             Contains("of 400 steps takes 2.5 s and 8 J, 3 of them simulated, the others taken "
                      "for the mean of those behind the first\n"));
  const auto json = to_json(report)["epoch"];
  CHECK(json == nlohmann::ordered_json{
                    {"steps", 400}, {"simulated_steps", 3}, {"s", 2.5}, {"energy_pj", 8e12}});
}

TEST_CASE("the memory is told by role when the most of it is alive, and over time in JSON",
          "[memory]") {
  DeviceReport report = small_report();
  CHECK(sum_of(report.memory) == 7'758'000);
  // 5000 cycles at 500 MHz are 10 us; what takes nothing is left out.
  CHECK_THAT(
      device_lines(report),
      Contains("  device memory             7.758 MB planned, at most 7.508 MB of it alive at a "
               "time (at dlogits, 10 us into the step)\n"
               "    when the most is alive  frozen 4 MB, stash 3 MB, activations 500 kB, weight "
               "ring 8 kB, gaps 250 kB\n"));
  report.touched_bytes = 6'000'000;
  CHECK_THAT(device_lines(report), Contains("into the step), 6 MB touched by commands\n"));
  const auto json = to_json(report);
  CHECK(json["memory"]["planned_bytes"] == 7'758'000);
  CHECK(json["memory"]["touched_bytes"] == 6'000'000);
  CHECK(json["memory"]["bytes"]["stash"] == 3'000'000);
  const auto& points = json["first_step"]["memory_over_time"];
  REQUIRE(points.size() == 3);
  CHECK(points[0] == nlohmann::ordered_json{{"cycle", 1000},
                                            {"value", "first"},
                                            {"bytes",
                                             {{"frozen", 4'000'000},
                                              {"adapter", 0},
                                              {"stash", 0},
                                              {"activations", 750'000},
                                              {"weight_ring", 8'000},
                                              {"gaps", 3'000'000}}}});
  // Of repeated layers nothing is known over time.
  report.memory_over_time.clear();
  CHECK_THAT(device_lines(report), Contains("7.508 MB of it alive at a time, 6 MB touched"));
}

TEST_CASE("speeds are told beside the peaks that they cannot pass", "[device]") {
  DeviceReport report = small_report();
  report.array_utilisation = 0.25;
  UnitReport unit;
  unit.unit = "load";
  unit.cycles[static_cast<std::size_t>(interface::Activity::kBusy)] = 300;
  unit.cycles[static_cast<std::size_t>(interface::Activity::kIdle)] = 700;
  report.units = {unit};
  unit.unit = "array";
  unit.cycles[static_cast<std::size_t>(interface::Activity::kBusy)] = 100;
  report.units.push_back(unit);
  report.steps.front().memory_bytes_read = 9'000;
  report.steps.front().memory_bytes_written = 1'000;
  report.steps.front().link.loaded = 5'000;
  report.tokens = 3;
  const std::string text = device_lines(report);
  // 16 x 8 at 500 MHz; 10000 bytes in 1000 ns; 3 tokens in 1500 ns.
  CHECK_THAT(text,
             Contains("25.0 % of its multiply-accumulates are useful; it has 64 G a second") &&
                 Contains("  units busy                load 30.0 %, array 12.5 %\n") &&
                 Contains("10 kB a step, 10.00 of 25.00 GB/s\n") &&
                 Contains("1000 cycles, 1 us from doorbell to interrupt") &&
                 Contains("3 tokens, padding not counted: 2 M tokens a second\n") &&
                 Contains("5 kB loaded once; a step 0 B to the device, 0 B back\n"));
}

TEST_CASE("the energy of all steps is told with its span and its parts", "[device]") {
  DeviceReport report = small_report();
  report.energy_table = "a table";
  report.energy_node = "45 nm";
  report.energy.pj = 8e9;
  report.energy.low_pj = 4e9;
  report.energy.high_pj = 2e10;
  CHECK_THAT(device_lines(report), Contains("8 mJ in all steps, 4 mJ to 20 mJ by the spans of the "
                                            "sources (a table, 45 nm)\n") &&
                                       !Contains("    of it "));
  report.energy.parts_pj = {5e9, 3e9, 0, 0};
  CHECK_THAT(device_lines(report),
             Contains("    of it                   dynamic 5 mJ, clock 3 mJ\n"));
}

TEST_CASE("of every kind of work, pass and layer it is told what bounds it", "[device]") {
  DeviceReport report = small_report();
  report.work[{0, WorkKind::kFrozen, Pass::kForward}] = {60, 30, 10, 6400, 1500, 500, 2e6};
  report.work[{1, WorkKind::kNorm, Pass::kForward}] = {0, 100, 200, 0, 0, 0, 1e6};
  // 6400 multiply-accumulates in 100 cycles of 128; 400 cycles in all.
  const auto row = [](const std::string& what, const std::string& figures) {
    return "  " + what + std::string(34 - what.size(), ' ') + figures + "\n";
  };
  const std::string frozen = "           100  25.0 %       50.0 %       2 kB       2 uJ  the array";
  const std::string norm =
      "           300  75.0 %        0.0 %        0 B       1 uJ  waiting for memory and order";
  const std::string both =
      "           400 100.0 %       12.5 %       2 kB       3 uJ  waiting for memory and order";
  CHECK_THAT(device_lines(report), Contains(row("frozen", frozen)) && Contains(row("norm", norm)) &&
                                       Contains(row("0", frozen)) && Contains(row("1", norm)) &&
                                       Contains(row("forward", both)) &&
                                       Contains("energy  bound by\n"));
}
