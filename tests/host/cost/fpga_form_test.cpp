#include "host/cost/fpga_form.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

namespace corank {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kFit = R"({
  "target": "xilinx7", "tools": {"yosys": "0.70"}, "rtl": "0123456789abcdef", "made_by": "scripts/cost-fit --fpga xilinx7",
  "fitted": [{"sizes": {"rows": 2, "columns": 2, "vector_lanes": 4, "memory_lanes": 4, "scratchpad_kib": 8,
                        "scratchpad_banks": 8, "accumulator_kib": 8, "accumulator_banks": 4, "axi_bits": 64,
                        "queue_depth": 4}, "decoder": 0,
              "counts": {"lut": 100, "ff": 50, "bram": 4, "dsp": 2}, "closed_form": {},
              "error": {"lut": -0.021, "ff": 0.01, "bram": 0, "dsp": 0}}],
  "held_out": [],
  "parts": [{"path": "u_a", "lut": {"1": 10.3, "rows*columns": 2}, "ff": {"rows": 5}, "bram": {}, "dsp": {"columns": 1}},
            {"path": "u_load_unit/gen_decoder.u_decoder", "lut": {"1": 7}, "ff": {}, "bram": {}, "dsp": {}}],
  "rams": [{"path": "u_scratchpad", "words": {"coefficient": 64, "powers": {"scratchpad_kib": 1, "scratchpad_banks": -1}},
            "width": {"coefficient": 16, "powers": {}}, "count": {"coefficient": 1, "powers": {"memory_lanes": 1}}},
           {"path": "u_load_unit/gen_decoder.u_decoder", "words": {"coefficient": 16, "powers": {}},
            "width": {"coefficient": 1, "powers": {"axi_bits": 1}}, "count": {"coefficient": 1, "powers": {}}}],
  "ram_primitives": [{"words": 64, "width": 3, "cost": 8, "lut": 4, "bram": 0},
                     {"words": 1024, "width": 18, "cost": 129, "lut": 0, "bram": 1}]
})";

MachineShape shape_of(const FpgaFitPoint& point) {
  MachineShape shape;
  const auto size = [&](std::size_t i) { return static_cast<int>(point.sizes.at(i)); };
  shape.array_rows = size(0);
  shape.array_columns = size(1);
  shape.vector_lanes = size(2);
  shape.scratchpad_kib = size(4);
  shape.scratchpad_banks = size(5);
  shape.accumulator_kib = size(6);
  shape.accumulator_banks = size(7);
  shape.axi_data_bits = size(8);
  shape.queue_depth = size(9);
  shape.decoder = point.decoder ? 1 : 0;
  return shape;
}

const FpgaFit& xilinx7() { return fpga_fits().front(); }

FpgaCounts of_xilinx7(std::int64_t words, std::int64_t width) {
  return ram_counts(xilinx7().primitives, words, width);
}

const FpgaFamily& family_of_fit() { return fpga_families().back(); }

}  // namespace

TEST_CASE("A closed form of an FPGA is read as its file says, with the decoder and without") {
  const FpgaFit fit = parse_fpga_fit(kFit);
  CHECK(fit.rtl == "0123456789abcdef");
  CHECK(fit.tools == "Yosys 0.70");
  REQUIRE(fit.fitted.size() == 1);
  CHECK_FALSE(fit.fitted[0].decoder);
  CHECK(fit.fitted[0].counts == FpgaCounts{100, 50, 4, 2});
  // 10.3 + 2 x 2 x 3 LUTs; four RAMs of 64 x 128 / 8 = 1024 words of 16 bits are a block RAM each.
  MachineShape shape;
  shape.array_rows = 2;
  shape.array_columns = 3;
  shape.vector_lanes = 4;
  shape.axi_data_bits = 64;
  shape.scratchpad_kib = 128;
  shape.decoder = 0;
  CHECK(fpga_counts(fit, shape) == FpgaCounts{22, 10, 4, 3});
  // 7 LUTs more; and 16 words of 64 bits are 22 times 4 LUTs, with 64 flip-flops behind them.
  shape.decoder = 1;
  CHECK(fpga_counts(fit, shape) == FpgaCounts{22 + 7 + 88, 10 + 64, 4, 3});
  // 17 bits with parity are as many block RAMs; 19 would be two each.
  shape.parity = 1;
  CHECK(fpga_counts(fit, shape)[2] == 4);
}

TEST_CASE("RAMs of Xilinx 7 are what Yosys maps ram_1r1w to") {
  // Each as synth_xilinx of Yosys 0.70 counted it, of the module by itself.
  CHECK(of_xilinx7(512, 16) == FpgaCounts{0, 0, 1, 0});
  CHECK(of_xilinx7(1024, 32) == FpgaCounts{0, 0, 2, 0});
  CHECK(of_xilinx7(2048, 16) == FpgaCounts{0, 0, 2, 0});
  CHECK(of_xilinx7(4096, 16) == FpgaCounts{0, 0, 4, 0});
  CHECK(of_xilinx7(128, 128) == FpgaCounts{0, 0, 4, 0});
  CHECK(of_xilinx7(85, 64) == FpgaCounts{0, 0, 2, 0});
  CHECK(of_xilinx7(64, 64) == FpgaCounts{88, 64, 0, 0});
  CHECK(of_xilinx7(16, 207) == FpgaCounts{140, 207, 0, 0});
  // 12 RAM64M; a LUT a bit chooses between the two halves, and each half has its write enable.
  CHECK(of_xilinx7(128, 16) == FpgaCounts{48 + 16 + 2, 16, 0, 0});
}

TEST_CASE(
    "The program's own closed form says of every machine that was mapped what its file says") {
  const FpgaFit& fit = xilinx7();
  REQUIRE(fit.fitted.size() >= 10);
  REQUIRE(fit.held_out.size() >= 3);
  bool without_decoder = false;
  for (const auto* points : {&fit.fitted, &fit.held_out}) {
    for (const FpgaFitPoint& point : *points) {
      const FpgaCounts said = fpga_counts(fit, shape_of(point));
      for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind) {
        INFO(kFpgaKinds[kind] << " " << said[kind] << " of " << point.counts[kind]);
        const auto mapped = static_cast<double>(point.counts[kind]);
        CHECK(static_cast<double>(said[kind]) / mapped - 1 ==
              Approx(point.errors[kind]).margin(2e-4));
        CHECK(static_cast<double>(said[kind]) == Approx(mapped).epsilon(0.02));
      }
      without_decoder = without_decoder || !point.decoder;
    }
  }
  CHECK(without_decoder);
}

TEST_CASE("A part is as full as what it has the least of") {
  const FpgaPart part{"small", {100, 200, 10, 5}};
  CHECK(share_of(part, {50, 50, 9, 1}) == 0.9);
  CHECK(lacking_of(part, {50, 50, 10, 5}).empty());
  CHECK(lacking_of(part, {101, 50, 10, 6}) == "101 LUTs of 100, 6 DSPs of 5");
}

TEST_CASE("A figure's source names the tool, the errors, and whether the RTL is another one") {
  const FpgaFit fit = parse_fpga_fit(kFit);
  CHECK_THAT(source_of(fit, family_of_fit()),
             Contains("modelled: closed form of 1 machines that were mapped (Yosys 0.70), largest "
                      "error: lut 2.1 %, ff 1.0 %, bram 0.0 %, dsp 0.0 %") &&
                 Contains("Xilinx DS180") && Contains("fitted to other RTL"));
}

TEST_CASE("Without a primitive there is no RAM") {
  CHECK_THROWS_AS(ram_counts({}, 16, 16), MachineError);
}

}  // namespace corank
