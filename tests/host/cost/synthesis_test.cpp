// The scripts of the synthesis, on modules so small that their cells can be counted by hand. Where
// the tools are not installed (scripts/setup cost), nothing is tested.
#include "host/cost/synthesis.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/cost/cost_data.h"
#include "host/cost/gate_energy_data.h"
#include "sim/machine/recipe.h"
#include "sim/system/child_process.h"
#include "tests/host/temporary_folder.h"

namespace corank {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

const std::string kPython = CORANK_SOURCE "/.venv/synthesis/bin/python";
const std::string kScripts = CORANK_SOURCE "/host/cost/synthesis/";
constexpr const char* kLiberty = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

bool have_tools() {
  const bool there = fs::exists(kPython) && fs::exists(kLiberty) &&
                     run_program({"sta", "-version"}).failure.empty();
  if (!there) WARN("the synthesis tools are not installed (scripts/setup cost): not tested");
  return there;
}

struct Bench {
  TemporaryFolder folder;

  ProgramOutput synthesise(const std::string& text, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {kPython,   kScripts + "synthesize.py", "--top", "m",
                                        "--cache", folder.file("cache")};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(folder.write("m.sv", text));
    return run_program(command);
  }
  std::string complaint(const std::string& text) {
    const ProgramOutput output = run_program({kPython, kScripts + "check.py", "--top", "m", "--log",
                                              folder.file("log"), folder.write("m.sv", text)});
    return output.failure.empty() ? "" : output.err;
  }
};

// A delay of two cycles: 16 flip-flops of 96 um2, and a path of one of them to the next.
constexpr const char* kDelay = R"(
module stage #(parameter int Width = 8) (input logic clk_i, input logic [Width-1:0] d_i, output logic [Width-1:0] q_o);
  always_ff @(posedge clk_i) q_o <= d_i;
endmodule
module m #(parameter int Width = 8) (input logic clk_i, rst_ni, input logic [Width-1:0] d_i, output logic [Width-1:0] q_o);
  logic [Width-1:0] between;
  stage #(.Width(Width)) u_first (.clk_i, .d_i, .q_o(between));
  stage #(.Width(Width)) u_last (.clk_i, .d_i(between), .q_o);
endmodule
)";

constexpr const char* kRam = R"(
module ram_1r1w #(parameter int Width = 16, parameter int Words = 64) (
    input logic clk_i, read_enable_i, input logic [$clog2(Words)-1:0] read_address_i, output logic [Width-1:0] read_data_o,
    input logic write_enable_i, input logic [$clog2(Words)-1:0] write_address_i, input logic [Width-1:0] write_data_i);
  logic [Width-1:0] words_q[Words];
  always_ff @(posedge clk_i) begin
    if (read_enable_i) read_data_o <= words_q[read_address_i];
    if (write_enable_i) words_q[write_address_i] <= write_data_i;
  end
endmodule
module m (input logic clk_i, rst_ni, input logic [5:0] address_i, input logic [15:0] data_i, output logic [15:0] data_o);
  logic [5:0] address_q;
  logic [15:0] data;
  always_ff @(posedge clk_i) address_q <= address_i;
  for (genvar i = 0; i < 2; i++) begin : gen_ram
    ram_1r1w u_ram (.clk_i, .read_enable_i(1'b1), .read_address_i(address_q), .read_data_o(data[8*i+:8]),
                    .write_enable_i(1'b1), .write_address_i(address_q), .write_data_i(data_i));
  end
  always_ff @(posedge clk_i) data_o <= data;
endmodule
)";

}  // namespace

TEST_CASE("A module's cells are counted, once for each of its instances") {
  if (!have_tools()) return;
  Bench bench;
  const ProgramOutput output = bench.synthesise(kDelay, {"Width=8"});
  INFO(output.err);
  REQUIRE(output.failure.empty());
  const auto json = nlohmann::json::parse(output.out);
  const auto& tree = json.at("hierarchy");
  CHECK(tree.at("flops") == 16);
  CHECK(tree.at("area_um2").get<double>() >= 16 * 96);
  CHECK(tree.at("area_um2").get<double>() < 16 * 96 * 1.6);  // buffers at the outputs
  REQUIRE(tree.at("children").size() == 2);
  CHECK(tree.at("children")[0].at("flops") == 8);
  CHECK(tree.at("children")[0].at("area_um2") == tree.at("children")[1].at("area_um2"));
  const auto& path = json.at("timing").at("paths").at(0);
  CHECK(path.at("to").get<std::string>().rfind("u_last/", 0) == 0);
  CHECK(path.at("delay_ns").get<double>() > 0.1);  // clock to output and set-up of a flip-flop
  CHECK(path.at("delay_ns").get<double>() < 2);

  // The second time it is read: the same bytes, though the cells are gone.
  CHECK(bench.synthesise(kDelay, {"Width=8"}).out == output.out);
  const auto wide = nlohmann::json::parse(bench.synthesise(kDelay, {"Width=10"}).out);
  CHECK(wide.at("hierarchy").at("flops") == 20);
}

TEST_CASE("A module is mapped to the same cells whatever was mapped before it") {
  if (!have_tools()) return;
  const std::string product =
      "module product(input logic clk_i, rst_ni, input logic [11:0] a_i, b_i, output logic [23:0] "
      "y_o);\n"
      "  always_ff @(posedge clk_i) y_o <= a_i * b_i;\nendmodule\n";
  const std::string ports =
      "(input logic clk_i, rst_ni, input logic [11:0] a_i, b_i, output logic [23:0] y_o, output "
      "logic [11:0] z_o);\n";
  const std::string alone =
      product + "module m" + ports + "  product u_product(.*);\n  assign z_o = a_i;\nendmodule\n";
  const std::string after =
      product +
      "module other(input logic clk_i, input logic [11:0] a_i, b_i, output logic [11:0] z_o);\n"
      "  always_ff @(posedge clk_i) z_o <= (a_i - b_i) * (a_i + b_i);\nendmodule\nmodule m" +
      ports + "  other u_first(.*);\n  product u_product(.*);\nendmodule\n";
  const auto area_of_product = [](const std::string& text) {
    Bench bench;
    const ProgramOutput output = bench.synthesise(text);
    INFO(output.err);
    REQUIRE(output.failure.empty());
    const auto json = nlohmann::json::parse(output.out);
    for (const auto& child : json.at("hierarchy").at("children"))
      if (child.at("instance") == "u_product") return child.at("area_um2").get<double>();
    return 0.0;
  };
  CHECK(area_of_product(alone) > 0);
  CHECK(area_of_product(after) == area_of_product(alone));
}

TEST_CASE("A RAM is a box with its size, and its time is in the paths that begin in it") {
  if (!have_tools()) return;
  Bench bench;
  const ProgramOutput output = bench.synthesise(kRam);
  INFO(output.err);
  REQUIRE(output.failure.empty());
  const auto json = nlohmann::json::parse(output.out);
  const auto& rams = json.at("hierarchy").at("rams");
  REQUIRE(rams.size() == 1);
  CHECK(rams[0] == nlohmann::json({{"words", 64}, {"width", 16}, {"count", 2}}));
  CHECK(json.at("hierarchy").at("flops") == 22);
  // 0.760 ns at 45 nm are 3.04 ns at 180 nm, before the register's set-up.
  const double delay = json.at("timing").at("paths").at(0).at("delay_ns").get<double>();
  CHECK(delay > 3.04);
  CHECK(delay < 4.5);
}

TEST_CASE("A memory that is read in more places than a macro has ports for is flip-flops") {
  if (!have_tools()) return;
  Bench bench;
  const auto of_reads = [&](int reads) {
    const std::string n = std::to_string(reads);
    const ProgramOutput output = bench.synthesise(
        "module m(input logic clk_i, rst_ni, write_i, input logic [4:0] to_i, input logic [63:0] "
        "data_i,\n"
        "         input logic [" +
        n + "*5-1:0] from_i, output logic [" + n +
        "*64-1:0] data_o);\n"
        "  logic [63:0] words_q[32];\n"
        "  always_ff @(posedge clk_i) if (write_i) words_q[to_i] <= data_i;\n"
        "  always_ff @(posedge clk_i)\n"
        "    for (int i = 0; i < " +
        n +
        "; i++) data_o[64*i+:64] <= words_q[from_i[5*i+:5]];\n"
        "endmodule\n");
    INFO(output.err);
    REQUIRE(output.failure.empty());
    return nlohmann::json::parse(output.out).at("hierarchy");
  };
  CHECK(of_reads(2).at("rams") ==
        nlohmann::json::parse(R"([{"words": 32, "width": 64, "count": 1}])"));
  const auto three = of_reads(3);
  CHECK(three.at("rams").empty());
  CHECK(three.at("flops").get<int>() >= 2048);
}

TEST_CASE("A larger RAM is a block RAM of an FPGA") {
  if (!have_tools()) return;
  Bench bench;
  std::string larger = kRam;
  larger.replace(larger.find("Words = 64"), 10, "Words = 512");
  for (std::size_t at = 0; (at = larger.find("[5:0]", at)) != std::string::npos; ++at)
    larger.replace(at, 5, "[8:0]");
  const ProgramOutput output = bench.synthesise(larger, {"--target", "ecp5"});
  INFO(output.err);
  REQUIRE(output.failure.empty());
  const auto tree = nlohmann::json::parse(output.out).at("hierarchy");
  CHECK(tree.at("bram") == 2);
  CHECK(tree.at("ff").get<int>() >= 22);
}

TEST_CASE("What a synthesis tool would stumble over is named") {
  if (!have_tools()) return;
  Bench bench;
  CHECK(bench.complaint(kDelay).empty());
  CHECK_THAT(bench.complaint("module m(input logic a, b, output logic y);\n"
                             "  always_comb if (a) y = b;\nendmodule\n"),
             Contains("loop"));
  CHECK_THAT(bench.complaint("module m(input logic a, output logic y);\n  logic n;\n"
                             "  assign y = a & n;\nendmodule\n"),
             Contains("nothing drives n"));
  CHECK_THAT(bench.complaint("module m(input logic a, b, output logic y);\n  assign y = a;\n"
                             "  assign y = b;\nendmodule\n"),
             Contains("drivers"));
  CHECK_THAT(
      bench.complaint("module s(input logic a, output logic y);\n  assign y = a;\nendmodule\n"
                      "module m(input logic a, output logic y);\n"
                      "  s u(.a(a), .y(nn));\n  assign y = nn;\nendmodule\n"),
      Contains("implicit"));
}

TEST_CASE("The fit names the RTL as the program does") {
  std::vector<std::string> command = {
      "python3", "-c",
      "import sys; sys.path.insert(0, sys.argv[1]); import fit; "
      "print(fit.fnv1a([open(name, 'rb').read() for name in sys.argv[2:]]))",
      kScripts};
  const Recipe recipe = read_recipe({}, false);
  for (const std::string& file : rtl_files(recipe)) command.push_back(file);
  const ProgramOutput output = run_program(command);
  INFO(output.err);
  CHECK(output.out == key_of_rtl(recipe) + "\n");
  if (fit_data().rtl != key_of_rtl(recipe))
    WARN("configs/cost/fit.json was measured on other RTL; scripts/cost-fit makes it anew");
  if (gate_energy_data().rtl != key_of_rtl(recipe))
    WARN("configs/cost/energy.json was measured on other RTL; scripts/cost-energy makes it anew");
}

TEST_CASE("A Python without the tools is wrong input that says what to do") {
  const TemporaryFolder folder;
  const ProgramOutput output = run_program(
      {"env", "CORANK_SYNTHESIS_PYTHON=/usr/bin/python3", "CORANK_CACHE=" + folder.file("cache"),
       CORANK_PROGRAM, "cost", CORANK_SOURCE "/configs/quickstart.yaml", "--whole"});
  CHECK(output.failure == "exit code 2");
  CHECK_THAT(output.err, Contains("scripts/setup cost"));
}

TEST_CASE("What cannot be priced is refused with what would be right, and exit code 2") {
  const auto refusal = [](std::vector<std::string> options) {
    std::vector<std::string> command = {CORANK_PROGRAM, "cost",
                                        CORANK_SOURCE "/configs/16x16.yaml"};
    command.insert(command.end(), options.begin(), options.end());
    const ProgramOutput output = run_program(command);
    CHECK(output.failure == "exit code 2");
    CHECK(output.out.empty());
    return output.err;
  };
  CHECK_THAT(refusal({"--node", "33"}), Contains("expected one of 180, 45, 28, 7"));
  CHECK_THAT(refusal({"--target", "ice40"}), Contains("expected osu018, ecp5, xilinx7"));
  CHECK_THAT(refusal({"--target", "ecp5"}), Contains("256 PEs") && Contains("--whole"));
  CHECK_THAT(refusal({"--target", "ecp5", "--node", "45"}), Contains("--node"));
  CHECK_THAT(refusal({"--part", "LFE5U-85F"}), Contains("--part"));
  CHECK_THAT(refusal({"--route", "units"}), Contains("--route"));
  CHECK_THAT(refusal({"--target", "ecp5", "--route", "array"}), Contains("--route"));
  CHECK_THAT(refusal({"--target", "xilinx7", "--route", "units"}),
             Contains("expected --target ecp5"));
  CHECK_THAT(refusal({"--json", "/nonexistent/cost.json"}), Contains("--json"));
}

TEST_CASE("The units of a machine are placed and routed where that is asked for, and only there") {
  const TemporaryFolder folder;
  // In the place of a Python that has the tools: it says what it was asked to do.
  const std::string python = folder.write(
      "python",
      "#!/bin/sh\n"
      "asked='{\"instance\": \"u_a\", \"failed\": \"not asked\"}'\n"
      "for word; do\n"
      "  [ \"$word\" != --route ] || asked='{\"instance\": \"u_a\", \"fmax_mhz\": 61.5}'\n"
      "done\n"
      "echo '{\"tools\": {\"yosys\": \"0\", \"nextpnr\": \"0\"}, \"hierarchy\": {\"lut\": 7, "
      "\"ff\": 5,"
      " \"bram\": 0, \"dsp\": 0, \"children\": [{\"instance\": \"u_a\", \"lut\": 7, \"ff\": 5, "
      "\"bram\": 0,"
      " \"dsp\": 0}]}, \"routing\": {\"part\": \"P\", \"speed_grade\": 6, \"seed\": 1, \"units\": "
      "['\"$asked\"']}}'\n");
  fs::permissions(python, fs::perms::owner_all);
  const auto said = [&](std::vector<std::string> options) {
    std::vector<std::string> command = {"env",
                                        "CORANK_SYNTHESIS_PYTHON=" + python,
                                        "CORANK_CACHE=" + folder.file("cache"),
                                        CORANK_PROGRAM,
                                        "cost",
                                        CORANK_SOURCE "/configs/quickstart.yaml",
                                        "--target",
                                        "ecp5"};
    command.insert(command.end(), options.begin(), options.end());
    const ProgramOutput output = run_program(command);
    INFO(output.err);
    CHECK(output.failure.empty());
    return output.out;
  };
  CHECK_THAT(said({}), Contains("not asked"));
  CHECK_THAT(said({"--route", "units"}),
             Contains("61.5 MHz is what the slowest unit reaches, u_a"));
}

TEST_CASE("A machine beyond the flow is composed without any tool") {
  const TemporaryFolder folder;
  const ProgramOutput output = run_program(
      {"/usr/bin/env", "PATH=/nonexistent", "CORANK_SYNTHESIS_PYTHON=/nonexistent", CORANK_PROGRAM,
       "cost", CORANK_SOURCE "/configs/32x32.yaml", "--json", folder.file("cost.json")});
  CHECK(output.failure.empty());
  CHECK_THAT(output.out, Contains("closed form"));
  const auto json = nlohmann::json::parse(content_of(folder.file("cost.json")));
  CHECK(json.at("composed") == true);
  CHECK(json.at("sources").at("logic").at("quality") == "modelled");
}

}  // namespace corank
