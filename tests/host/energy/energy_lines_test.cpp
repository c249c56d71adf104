#include "host/energy/energy_lines.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/config/config.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;

namespace {

MemoryConfig memory(const std::string& name) {
  return load_memory(std::string(CORANK_CONFIGS) + "/memory/" + name + ".yaml");
}

/// Every action but one, at 1 pJ.
EnergyConfig table_without(const std::string& left_out) {
  EnergyConfig table;
  table.name = "a table";
  for (const EnergyAction& action : energy_actions())
    if (action.name != left_out)
      table.actions.push_back({action.name, 1, action.unit, "here", "assumed"});
  return table;
}

}  // namespace

TEST_CASE("an empty energy table gives no line, whatever was counted", "[energy]") {
  EnergyMeasurement m;
  m.memory_bytes = 1;
  CHECK(energy_lines(m, {}, memory("ddr4-2400")).empty());
}

TEST_CASE("every action that is counted needs a figure", "[energy]") {
  for (const EnergyAction& action : energy_actions()) {
    INFO(action.name);
    CHECK(message_of<KeyError>(
              [&] { energy_lines({}, table_without(action.name), memory("fixed-100ns-16gb")); }) ==
          "energy table \"a table\": no entry for the action \"" + std::string(action.name) + "\"");
  }
}

TEST_CASE("a DRAM's own actions take the place of the figure a byte where its currents are known",
          "[energy]") {
  EnergyMeasurement m;
  m.memory_bytes = 6400;
  m.dram.reads = 60;
  m.dram.writes = 40;
  m.dram.activates = 7;
  m.dram.precharges = 5;
  m.dram.refreshes = 3;
  m.dram.clocks = 1000;
  const std::vector<EnergyLine> lines =
      energy_lines(m, table_without("dram_byte"), memory("ddr4-2400"));
  const std::size_t first = energy_actions().size() - 1;
  struct Expected {
    std::string action, unit;
    double count;
  };
  // An access of this DRAM moves 64 bytes: 100 of them are 51,200 bits.
  const std::vector<Expected> own = {
      {"dram_activate", "command", 7},     {"dram_precharge", "bank", 5},
      {"dram_read", "command", 60},        {"dram_write", "command", 40},
      {"dram_refresh", "command", 3},      {"dram_background", "clock", 1000},
      {"dram_interface_bit", "bit", 51200}};
  REQUIRE(lines.size() == first + own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const EnergyLine& line = lines[first + i];
    INFO(own[i].action);
    CHECK(line.entry.action == own[i].action);
    CHECK(line.entry.unit == own[i].unit);
    CHECK(line.count == own[i].count);
    CHECK(line.total_pj > 0);
    CHECK(line.entry.pj == Approx(line.total_pj / line.count));
    CHECK_FALSE(line.entry.source.empty());
  }
  // LPDDR5's currents are not published: the table's figure stands for it.
  const std::vector<EnergyLine> unknown = energy_lines(m, table_without(""), memory("lpddr5-6400"));
  REQUIRE(unknown.size() == energy_actions().size());
  CHECK(message_of<KeyError>([&] {
          energy_lines(m, table_without("dram_byte"), memory("lpddr5-6400"));
        }) == "energy table \"a table\": no entry for the action \"dram_byte\"");
}
