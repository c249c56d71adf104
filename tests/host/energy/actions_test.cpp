#include "host/energy/actions.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/cost/cost.h"
#include "host/run/run.h"

using namespace corank;
using interface::Counter;

namespace {

double count_of(const std::string& name, const EnergyMeasurement& measurement) {
  const auto& actions = energy_actions();
  const auto action = std::find_if(actions.begin(), actions.end(),
                                   [&](const EnergyAction& one) { return one.name == name; });
  REQUIRE(action != actions.end());
  return action->count(measurement);
}

/// A table that has every action, in the registered order.
EnergyConfig whole_table() {
  EnergyConfig table;
  table.name = "a table";
  for (const EnergyAction& action : energy_actions())
    table.actions.push_back({action.name, 2, 1, 4, action.unit, "here", "assumed"});
  return table;
}

}  // namespace

TEST_CASE("every action has a name of its own and a unit", "[energy]") {
  std::set<std::string> names;
  for (const EnergyAction& action : energy_actions()) {
    INFO(action.name);
    CHECK(names.insert(action.name).second);
    CHECK_FALSE(std::string(action.unit).empty());
  }
}

TEST_CASE("every action is counted by a run, and reported in its unit", "[energy]") {
  Config config = load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml",
                              {"workload={shapes: {tokens: 9, layers: [{in: 24, out: 16, rank: "
                               "3}]}}",
                               "values=off"});
  config.energy = whole_table();
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  const RunReport report = run(config, options);
  REQUIRE(report.energy.size() == energy_actions().size());
  for (std::size_t i = 0; i < report.energy.size(); ++i) {
    const EnergyLine& line = report.energy[i];
    INFO(line.entry.action);
    CHECK(line.entry.action == energy_actions()[i].name);
    CHECK(line.entry.unit == energy_actions()[i].unit);
    // No op uses these instructions yet.
    const bool is_used = line.entry.action != "fp32_maximum" &&
                         line.entry.action != "fp32_multiply_add" &&
                         line.entry.action != "int32_add" &&
                         line.entry.action != "weight_decode";  // nothing is packed
    CHECK((line.count > 0) == is_used);
    CHECK(line.total_pj() == 2 * line.count);
  }
}

TEST_CASE("an action's count is that of its counters", "[energy]") {
  EnergyMeasurement m;
  const auto set = [&](Counter counter, std::uint64_t count) {
    m.counters[static_cast<std::size_t>(counter)] = count;
  };
  for (std::size_t kind = 0; kind < interface::kGemmKinds; ++kind)
    m.counters[static_cast<std::size_t>(Counter::kGemmMacs0) + kind] = 1000;
  const double macs = 1000.0 * static_cast<double>(interface::kGemmKinds);
  set(Counter::kVectorAdds, 1);
  set(Counter::kVectorMultiplies, 2);
  set(Counter::kVectorDivides, 3);
  set(Counter::kVectorSquareRoots, 4);
  set(Counter::kVectorMaximums, 11);
  set(Counter::kVectorMultiplyAdds, 13);
  set(Counter::kVectorIntegers, 14);
  set(Counter::kDecodedElements, 15);
  set(Counter::kScratchpadReadBytes, 5);
  set(Counter::kScratchpadWriteBytes, 6);
  set(Counter::kAccumulatorReadBytes, 7);
  set(Counter::kAccumulatorWriteBytes, 8);
  m.memory_bytes = 9;
  m.link_bytes = 10;
  m.ns = 500;
  m.cycles = 250;
  m.silicon.flops = 12;
  m.silicon.logic_mm2 = 1.5;
  m.silicon.macros = {{"u_a", 512, 32, 4}, {"u_b", 128, 64, 1}};  // 4 x 2 KiB, 1 KiB
  CHECK(count_of("bf16_multiply", m) == macs);
  CHECK(count_of("fp32_add", m) == macs + 1);
  CHECK(count_of("fp32_multiply", m) == 2);
  CHECK(count_of("fp32_divide", m) == 3);
  CHECK(count_of("fp32_sqrt", m) == 4);
  CHECK(count_of("fp32_maximum", m) == 11);
  CHECK(count_of("fp32_multiply_add", m) == 13);
  CHECK(count_of("int32_add", m) == 14);
  CHECK(count_of("weight_decode", m) == 15);
  CHECK(count_of("scratchpad_read_byte", m) == 5);
  CHECK(count_of("scratchpad_write_byte", m) == 6);
  CHECK(count_of("accumulator_read_byte", m) == 7);
  CHECK(count_of("accumulator_write_byte", m) == 8);
  CHECK(count_of("dram_byte", m) == 9);
  CHECK(count_of("link_byte", m) == 10);
  CHECK(count_of("flip_flop_clock", m) == 12 * 250);
  CHECK(count_of("logic_leakage", m) == 1.5 * 500);
  CHECK(count_of("memory_leakage", m) == 9 * 500);
}

TEST_CASE("clock and leakage are parts of their own", "[energy]") {
  for (const EnergyAction& action : energy_actions()) {
    INFO(action.name);
    const std::string name = action.name;
    const EnergyPart expected = name == "flip_flop_clock"                    ? EnergyPart::kClock
                                : name.find("_leakage") != std::string::npos ? EnergyPart::kLeakage
                                                                             : EnergyPart::kDynamic;
    CHECK(action.part == expected);
  }
}

TEST_CASE("clock and leakage grow with the time of a run, transfers included, and with the machine",
          "[energy]") {
  const auto counts_of = [](std::vector<std::string> more) {
    std::vector<std::string> settings = {
        "workload={shapes: {tokens: 9, layers: [{in: 24, out: 16, rank: 3}]}}", "values=off"};
    settings.insert(settings.end(), more.begin(), more.end());
    Config config = load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml", settings);
    config.energy = whole_table();
    RunOptions options;
    options.fidelity = Fidelity::kCycle;
    const RunReport report = run(config, options);
    const CostReport cost = composed_cost(config.machine, 180);  // the table names no node
    std::map<std::string, double> counts;
    for (const EnergyLine& line : report.energy) counts[line.entry.action] = line.count;
    CHECK(counts["flip_flop_clock"] == Approx(cost.flops * report.total_ns));  // 1 GHz
    CHECK(counts["logic_leakage"] == Approx(cost.logic_um2 / 1e6 * report.total_ns));
    CHECK(report.total_ns > report.step_ns);
    return counts;
  };
  const auto as_it_is = counts_of({});
  const auto slower = counts_of({"link.latency_ns=20000"});
  const auto larger =
      counts_of({"accelerator.scratchpad.kib=256", "accelerator.axi.data_bits=256"});
  for (const std::string name : {"flip_flop_clock", "logic_leakage", "memory_leakage"}) {
    INFO(name);
    CHECK(slower.at(name) > 1.1 * as_it_is.at(name));
    CHECK(larger.at(name) > 1.01 * as_it_is.at(name));
  }
}
