#include "host/cost/fpga_cost.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

namespace corank {
namespace {

using Catch::Matchers::Contains;

const FpgaFamily& ecp5() { return fpga_families().front(); }

nlohmann::json synthesis(int luts) {
  return {{"tools", {{"yosys", "0.70"}}},
          {"hierarchy",
           {{"lut", luts},
            {"ff", 20},
            {"bram", 5},
            {"dsp", 1},
            {"children",
             {{{"instance", "u[0].a"}, {"lut", 10}, {"ff", 4}, {"bram", 2}, {"dsp", 0}},
              {{"instance", "u[1].a"}, {"lut", 30}, {"ff", 6}, {"bram", 3}, {"dsp", 0}}}}}}};
}

nlohmann::json routed(const nlohmann::json& units) {
  nlohmann::json json = synthesis(100);
  json["tools"]["nextpnr"] = "0.11";
  json["routing"] = {{"part", "LFE5U-85F"}, {"speed_grade", 6}, {"seed", 1}, {"units", units}};
  return json;
}

}  // namespace

TEST_CASE("What a machine takes of an FPGA is listed by unit, and the smallest part is taken") {
  const FpgaReport report = fpga_report(synthesis(100), ecp5(), "");
  REQUIRE(report.units.size() == 2);
  CHECK(report.units[0].unit == "(top)");
  CHECK(report.units[0].counts == FpgaCounts{60, 10, 0, 1});
  CHECK(report.units[1].unit == "u.a");
  CHECK(report.units[1].counts == FpgaCounts{40, 10, 5, 0});
  CHECK(report.part->name == std::string("LFE5U-25F"));
  CHECK(report.fits());
}

TEST_CASE("A machine that no part holds is set against the largest, and does not fit") {
  CHECK(fpga_report(synthesis(30000), ecp5(), "").part->name == std::string("LFE5U-45F"));
  const FpgaReport report = fpga_report(synthesis(100000), ecp5(), "");
  CHECK(report.part->name == std::string("LFE5U-85F"));
  CHECK_FALSE(report.fits());
  CHECK_THAT(to_table(report), Contains("DOES NOT FIT") && Contains("120%"));
  CHECK_FALSE(fpga_report(synthesis(30000), ecp5(), "LFE5U-25F").fits());
}

TEST_CASE("A machine that does not fit is told of what there is too little") {
  nlohmann::json json = synthesis(30000);
  json["hierarchy"]["bram"] = 57;
  CHECK_THAT(to_table(fpga_report(json, ecp5(), "LFE5U-25F")),
             Contains("DOES NOT FIT: 30000 LUTs of 24288, 57 block RAMs of 56\n"));
  CHECK_THAT(to_table(fpga_report(json, ecp5(), "LFE5U-45F")), Contains(": fits\n"));
}

TEST_CASE("A unit that was placed and routed has the clock of its slowest instance") {
  FpgaReport report = fpga_report(
      routed({{{"instance", "u[0].a"}, {"fmax_mhz", 62.5}, {"from", "x"}, {"to", "y"}},
              {{"instance", "u[1].a"}, {"fmax_mhz", 50.25}, {"from", "p_q"}, {"to", "q_q"}}}),
      ecp5(), "");
  REQUIRE(report.units[1].unit == "u.a");
  CHECK(report.units[1].fmax_mhz == 50.25);
  CHECK_FALSE(report.units[0].fmax_mhz);  // the top's own logic is no unit
  REQUIRE(report.slowest() == &report.units[1]);
  report.clock_mhz = 50;
  CHECK_THAT(to_table(report),
             Contains("nextpnr-ecp5 0.11, LFE5U-85F at speed grade 6, seed 1") &&
                 Contains("50.2 MHz is what the slowest unit reaches, u.a: p_q -> q_q") &&
                 !Contains("WARNING"));
  report.clock_mhz = 100;
  CHECK_THAT(to_table(report), Contains("WARNING      the configuration asks for 100 MHz"));
  const auto json = to_json(report);
  CHECK(json.at("units")[1].at("fmax_mhz").at("value") == 50.25);
  CHECK_FALSE(json.at("units")[0].contains("fmax_mhz"));
  CHECK(json.at("routing").at("source") == "nextpnr-ecp5 0.11, LFE5U-85F at speed grade 6, seed 1");
}

TEST_CASE("A unit that could not be routed says why, and the others keep their clocks") {
  const FpgaReport report =
      fpga_report(routed({{{"instance", "u[0].a"}, {"fmax_mhz", 62.5}, {"from", "x"}, {"to", "y"}},
                          {{"instance", "u[1].a"}, {"failed", "not placed in 1800 s of CPU"}}}),
                  ecp5(), "");
  CHECK(report.slowest()->fmax_mhz == 62.5);
  CHECK_THAT(to_table(report),
             Contains("failed\n") && Contains("WARNING      u.a: no clock: not placed in 1800 s"));
  CHECK(to_json(report).at("units")[1].at("failed") == "not placed in 1800 s of CPU");
}

TEST_CASE("A machine that was placed and routed whole has its own clock") {
  const auto whole = [](nlohmann::json said) {
    said["instance"] = "";
    return fpga_report(routed(nlohmann::json::array({said})), ecp5(), "");
  };
  const FpgaReport report = whole({{"fmax_mhz", 28.5}, {"from", "u.p"}, {"to", "v.q"}});
  CHECK(report.slowest() == &report.whole);
  CHECK(report.units.size() == 2);
  CHECK_THAT(to_table(report), Contains("28.5 MHz is what the machine reaches: u.p -> v.q"));
  CHECK(to_json(report).at("fmax_mhz").at("value") == 28.5);
  CHECK_THAT(to_table(whole({{"failed", "no place"}})), Contains("machine: no clock: no place"));
}

TEST_CASE("Counts alone say how to get clocks, and where there are none") {
  CHECK_THAT(to_table(fpga_report(synthesis(100), ecp5(), "")),
             Contains("--route units gives their clocks") && !Contains("MHz"));
  const FpgaFamily& xilinx7 = fpga_families().back();
  CHECK_THAT(to_table(fpga_report(synthesis(100), xilinx7, "")),
             Contains("not placed, no clock") && !Contains("--route"));
}

TEST_CASE("Unknown targets and parts and machines beyond the flow are refused") {
  Config config;
  CHECK_THROWS_WITH(fpga_cost(config, "ice40", "", {}),
                    Contains("expected osu018, ecp5, xilinx7") && Contains("'ice40'"));
  CHECK_THROWS_WITH(fpga_cost(config, "ecp5", "LFE5U-12F", {}),
                    Contains("LFE5U-25F, LFE5U-45F, LFE5U-85F"));
  CostOptions routing;
  routing.route = "units";
  CHECK_THROWS_WITH(fpga_cost(config, "xilinx7", "", routing),
                    Contains("--route") && Contains("expected --target ecp5"));
  config.machine.array_rows = config.machine.array_columns = 32;
  CHECK_THROWS_WITH(fpga_cost(config, "ecp5", "", {}), Contains("1024 PEs") && Contains("--whole"));
}

}  // namespace corank
