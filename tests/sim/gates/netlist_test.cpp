// Structural Verilog to a flat netlist.
#include "sim/gates/netlist.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "sim/gates/verilog.h"
#include "tests/sim/gates/cells.h"

using namespace corank::gates;
using corank::test::round_cells;

namespace {

// Two inverters in a row, each in an instance of its own, the second with an escaped name.
constexpr const char* kChain = R"(
/* made by hand */
module stage(in_i, out_o);
  input in_i;
  wire in_i;
  output out_o;
  wire out_o;
  INV not_ (.A(in_i), .Y(out_o));
endmodule
module chain(clk_i, in_i, out_o);
  input clk_i;
  wire clk_i;
  input [1:0] in_i;
  wire [1:0] in_i;
  output [1:0] out_o;
  wire [1:0] out_o;
  wire \between[0] ;
  stage u_a (.in_i(in_i[0]), .out_o(\between[0] ));
  stage \u_b[1] (.in_i(\between[0] ), .out_o(out_o[0]));
  assign out_o[1] = 1'h1;
endmodule
)";

Netlist of(const std::string& verilog) { return flatten(verilog, round_cells(), "clk_i"); }

}  // namespace

TEST_CASE("an instance's gates are in the netlist, its ports and its place known by its path") {
  const Netlist netlist = of(kChain);
  REQUIRE(netlist.gates.size() == 2);
  CHECK(netlist.units == std::vector<std::string>{"", "u_a", "u_b[1]"});
  const Net between = netlist.ports.at("u_a.out_o")[0];
  CHECK(netlist.ports.at("u_b[1].in_i")[0] == between);
  CHECK(netlist.unit[between] == 1);
  CHECK(netlist.unit[netlist.ports.at("out_o")[0]] == 2);
  CHECK(netlist.ports.at("u_a.in_i")[0] == netlist.ports.at("in_i")[0]);
  CHECK(netlist.ports.at("out_o")[1] == kHigh);
}

TEST_CASE("an edge takes what is inside by its load, and half of what the load is charged with") {
  const Netlist netlist = of(kChain);
  // One inverter's input, 1 pF: 3 + 1 inside, 1 pF x (2 V)^2 / 2 = 2 outside.
  const EdgeEnergy& between = netlist.energy[netlist.ports.at("u_a.out_o")[0]];
  CHECK(between.rise_pj == Approx(4 + 2));
  CHECK(between.fall_pj == Approx(6 + 2));
  // Nothing hangs on the output: the line through the table's points goes on.
  CHECK(netlist.energy[netlist.ports.at("out_o")[0]].rise_pj == Approx(3));
  // Nobody knows what drives an input.
  CHECK(netlist.energy[netlist.ports.at("in_i")[0]].rise_pj == Approx(2));
  CHECK(netlist.energy[netlist.ports.at("in_i")[1]].rise_pj == Approx(0));
}

TEST_CASE("a flip-flop takes the clock's edges, and its data pin what stands there") {
  const Netlist netlist = of(R"(
module bit_of(clk_i, d_i, q_o);
  input clk_i; wire clk_i;
  input d_i; wire d_i;
  output q_o; wire q_o;
  DFF q_reg (.C(clk_i), .D(d_i), .Q(q_o));
endmodule
)");
  CHECK(netlist.clock_pj == Approx(6 + 8 + 4 * 4));  // 4 pF x (2 V)^2 a cycle
  CHECK(netlist.energy[netlist.flops.at(0).data].rise_pj == Approx(7 + 2));
  CHECK(netlist.energy[netlist.flops.at(0).output].rise_pj == Approx(1));
}

TEST_CASE("constants are written with the highest digit first, and what is undefined is 0") {
  const std::vector<Module> modules = parse_verilog(R"(
module m(a);
  output [6:0] a; wire [6:0] a;
  assign a = { 3'b1x0, 4'h6 };
endmodule
)");
  REQUIRE(modules.at(0).same.size() == 7);
  std::vector<std::uint32_t> bits;
  for (const auto& [to, from] : modules[0].same) bits.push_back(from);
  CHECK(bits == std::vector<std::uint32_t>{0, 1, 1, 0, 0, 0, 1});
}

TEST_CASE("a constant may be a decimal number") {
  const std::vector<Module> modules = parse_verilog(R"(
module m(a);
  output [5:0] a; wire [5:0] a;
  assign a = 6'd37;
endmodule
)");
  std::vector<std::uint32_t> bits;
  for (const auto& [to, from] : modules.at(0).same) bits.push_back(from);
  CHECK(bits == std::vector<std::uint32_t>{1, 0, 1, 0, 0, 1});
}

TEST_CASE("what a netlist must not have is named") {
  using Catch::Contains;
  CHECK_THROWS_WITH(of("module m(clk_i); input clk_i; wire clk_i; XOR u (.A(clk_i)); endmodule"),
                    Contains("u: no cell or module 'XOR'"));
  CHECK_THROWS_WITH(of("module m(clk_i, c); input clk_i; wire clk_i; input c; wire c; wire q;\n"
                       "DFF u (.C(c), .D(c), .Q(q)); endmodule"),
                    Contains("a flip-flop has another clock"));
  CHECK_THROWS_WITH(of("module m(a); input a; wire a; endmodule"), Contains("no port 'clk_i'"));
  CHECK_THROWS_WITH(of("module m(clk_i);\ninput clk_i; assign b = clk_i; endmodule"),
                    Contains("line 2: expected a net that is declared before 'b'"));
  CHECK_THROWS_WITH(of("module m(clk_i); input clk_i;"), Contains("expected endmodule"));
}
