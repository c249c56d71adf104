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
      table.actions.push_back({action.name, 1, 1, 1, action.unit, "here", "assumed"});
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
    EnergyPart part = EnergyPart::kDynamic;
  };
  // An access of this DRAM moves 64 bytes: 100 of them are 51,200 bits.
  const std::vector<Expected> own = {{"dram_activate", "command", 7},
                                     {"dram_precharge", "bank", 5},
                                     {"dram_read", "command", 60},
                                     {"dram_write", "command", 40},
                                     {"dram_refresh", "command", 3, EnergyPart::kStandby},
                                     {"dram_background", "clock", 1000, EnergyPart::kStandby},
                                     {"dram_interface_bit", "bit", 51200}};
  REQUIRE(lines.size() == first + own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    const EnergyLine& line = lines[first + i];
    INFO(own[i].action);
    CHECK(line.entry.action == own[i].action);
    CHECK(line.entry.unit == own[i].unit);
    CHECK(line.count == own[i].count);
    CHECK(line.part == own[i].part);
    CHECK(line.total_pj() > 0);
    // Measured modules draw less than their data sheets say; of the interface there is one source.
    CHECK((line.low_pj() < line.total_pj()) == (own[i].action != "dram_interface_bit"));
    CHECK(line.high_pj() == line.total_pj());
    CHECK_FALSE(line.entry.source.empty());
  }
}

TEST_CASE("LPDDR5, whose currents are not published, has a figure of its own for every bit",
          "[energy]") {
  EnergyMeasurement m;
  m.memory_bytes = 6400;
  m.dram.reads = 60;
  m.dram.writes = 40;
  const std::vector<EnergyLine> lines =
      energy_lines(m, table_without("dram_byte"), memory("lpddr5-6400"));
  const EnergyLine& line = lines.back();
  CHECK(lines.size() == energy_actions().size());  // one in the place of dram_byte
  CHECK(line.entry.action == "dram_access_bit");
  CHECK(line.count == 100 * 32 * 8);  // an access moves 32 bytes
  CHECK(line.total_pj() == Approx(9.0 * 25600));
  CHECK(line.low_pj() == Approx(5.9 * 25600));
  CHECK(line.high_pj() == Approx(31.3 * 25600));
  CHECK(line.entry.quality == "scaled");
}

TEST_CASE("of a DRAM whose energy nobody knows the table's figure a byte stands", "[energy]") {
  EnergyMeasurement m;
  m.memory_bytes = 6400;
  MemoryConfig unknown = memory("lpddr5-6400");
  unknown.dram.device.access = {};
  const std::vector<EnergyLine> lines = energy_lines(m, table_without(""), unknown);
  REQUIRE(lines.size() == energy_actions().size());
  CHECK(lines.back().entry.action == energy_actions().back().name);
  CHECK(message_of<KeyError>([&] { energy_lines(m, table_without("dram_byte"), unknown); }) ==
        "energy table \"a table\": no entry for the action \"dram_byte\"");
}

TEST_CASE("a memory's figure for one macro becomes that of the machine's own", "[energy]") {
  EnergyMeasurement m;
  m.counters[static_cast<std::size_t>(interface::Counter::kScratchpadReadBytes)] = 1000;
  m.counters[static_cast<std::size_t>(interface::Counter::kAccumulatorWriteBytes)] = 1000;
  m.silicon.node_nm = 45;
  m.silicon.macros = {{"u_scratchpad", 512, 32, 8}, {"u_accumulator", 1024, 64, 4}};
  EnergyConfig table = table_without("");
  for (EnergyEntry& entry : table.actions) {
    const std::string name = entry.action;
    if (name == "scratchpad_read_byte" || name == "accumulator_write_byte") {
      entry.macro_kib = 8;
      entry.macro_bits = 64;
      entry.low_pj = 0.5;
      entry.high_pj = 3;
    }
  }
  const auto line_of = [&](const std::string& name) {
    for (const EnergyLine& line : energy_lines(m, table, memory("fixed-100ns-16gb")))
      if (line.entry.action == name) return line;
    FAIL(name);
    return EnergyLine{};
  };
  // CACTI at 45 nm: 2.317 pJ for 4 bytes of 2 KiB, 6.491 for 8 bytes of 8 KiB.
  const double ratio = (2.317 / 4) / (6.491 / 8);
  const EnergyLine read = line_of("scratchpad_read_byte");
  CHECK(read.entry.pj == Approx(ratio));
  CHECK(read.total_pj() == Approx(1000 * ratio));
  CHECK(read.low_pj() == Approx(500 * ratio));
  CHECK(read.high_pj() == Approx(3000 * ratio));
  CHECK_THAT(read.entry.source,
             Catch::Contains("512 x 32 bits") && Catch::Contains("8 KiB and 64 bits"));
  const EnergyLine write = line_of("accumulator_write_byte");
  CHECK(write.entry.pj == Approx(1));  // the very macro
  // A figure without a macro holds for any.
  CHECK(line_of("scratchpad_write_byte").entry.pj == 1);
  CHECK(line_of("scratchpad_write_byte").entry.source == "here");
}
