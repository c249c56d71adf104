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

TEST_CASE("Unknown targets and parts and machines beyond the flow are refused") {
  Config config;
  CHECK_THROWS_WITH(fpga_cost(config, "ice40", "", {}),
                    Contains("expected osu018, ecp5, xilinx7") && Contains("'ice40'"));
  CHECK_THROWS_WITH(fpga_cost(config, "ecp5", "LFE5U-12F", {}),
                    Contains("LFE5U-25F, LFE5U-45F, LFE5U-85F"));
  config.machine.array_rows = config.machine.array_columns = 32;
  CHECK_THROWS_WITH(fpga_cost(config, "ecp5", "", {}), Contains("1024 PEs") && Contains("--whole"));
}

}  // namespace corank
