// A netlist clock by clock, against figures worked out by hand.
#include "sim/gates/simulation.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/sim/gates/cells.h"

using namespace corank::gates;

namespace {

// A bit that changes every clock while enable_i is 1: q <= ~(q & enable).
constexpr const char* kToggle = R"(
module toggle(clk_i, enable_i, q_o);
  input clk_i; wire clk_i;
  input enable_i; wire enable_i;
  output q_o; wire q_o;
  wire both; wire next;
  AND a (.A(q_o), .B(enable_i), .Y(both));
  INV b (.A(both), .Y(next));
  DFF q_reg (.C(clk_i), .D(next), .Q(q_o));
endmodule
)";

}  // namespace

TEST_CASE("flip-flops take what stood before the edge, and an edge counts while it is counted") {
  const Netlist netlist = flatten(kToggle, corank::test::round_cells(), "clk_i");
  Simulation simulation(netlist);
  const Net q = netlist.ports.at("q_o")[0], enable = netlist.ports.at("enable_i")[0];
  simulation.drive(enable, true);
  simulation.settle();
  std::vector<bool> seen;
  for (int clock = 0; clock < 4; ++clock) {
    simulation.edge();
    simulation.settle();
    seen.push_back(simulation.value(q));
  }
  CHECK(seen == std::vector<bool>{true, false, true, false});
  CHECK(simulation.activity()[0].switching_pj == 0);

  simulation.count(true);
  simulation.edge();  // q and both rise, next falls
  simulation.settle();
  simulation.count(false);
  simulation.edge();
  simulation.settle();
  // q: 1 inside (a table that does not depend on the load), 2 pF: 4. both: 1 pF: 2. next falls:
  // 5 + 1 inside at 1 pF, 2 for the pF, 7 at the data pin.
  CHECK(simulation.activity()[0].switching_pj == Approx((1 + 4) + 2 + (5 + 1 + 2 + 7)));
  CHECK(simulation.activity()[0].flops == 1);
}

TEST_CASE("nothing has changed once a netlist rests") {
  const Netlist netlist = flatten(kToggle, corank::test::round_cells(), "clk_i");
  Simulation simulation(netlist);
  const auto clock = [&] {
    simulation.settle();
    simulation.edge();
    return simulation.changed();
  };
  CHECK(clock());  // q rises: it was 0, and nothing enables it
  CHECK_FALSE(clock());
  simulation.drive(netlist.ports.at("enable_i")[0], true);
  CHECK(clock());
}

TEST_CASE("a RAM gives the old word in the cycle in which it is written, and keeps its output") {
  const Netlist netlist = flatten(R"(
module top(clk_i, read_i, write_i, address_i, data_i, data_o);
  input clk_i; wire clk_i;
  input read_i; wire read_i;
  input write_i; wire write_i;
  input address_i; wire address_i;
  input [1:0] data_i; wire [1:0] data_i;
  output [1:0] data_o; wire [1:0] data_o;
  ram_1r1w__x u_ram (.clk_i(clk_i), .read_enable_i(read_i), .read_address_i(address_i),
    .read_data_o(data_o), .write_enable_i(write_i), .write_address_i(address_i), .write_data_i(data_i));
endmodule
)",
                                  corank::test::round_cells(), "clk_i");
  Simulation simulation(netlist);
  const auto bit = [&](const char* port, unsigned n, bool value) {
    simulation.drive(netlist.ports.at(port)[n], value);
  };
  const auto clock = [&] {
    simulation.settle();
    simulation.edge();
    const auto& data = netlist.ports.at("data_o");
    return unsigned{simulation.value(data[0])} | unsigned{simulation.value(data[1])} << 1u;
  };
  bit("write_i", 0, true);
  bit("data_i", 1, true);
  CHECK(clock() == 0);
  bit("read_i", 0, true);
  bit("data_i", 0, true);
  simulation.count(true);
  CHECK(clock() == 2);  // 3 is written meanwhile
  bit("write_i", 0, false);
  CHECK(clock() == 3);
  bit("read_i", 0, false);
  bit("address_i", 0, true);
  CHECK(clock() == 3);
  const std::vector<UnitActivity> activity = simulation.activity();
  REQUIRE(netlist.units.at(1) == "u_ram");
  CHECK(activity[1].ram_reads == 2);
  CHECK(activity[1].ram_writes == 1);
}

TEST_CASE("a loop of gates is refused") {
  const Netlist netlist = flatten(R"(
module loop(clk_i, a_i);
  input clk_i; wire clk_i;
  input a_i; wire a_i;
  wire x; wire y;
  AND a (.A(a_i), .B(y), .Y(x));
  INV b (.A(x), .Y(y));
endmodule
)",
                                  corank::test::round_cells(), "clk_i");
  CHECK_THROWS_WITH(Simulation(netlist), "the netlist has a loop of gates");
}
