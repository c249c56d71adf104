// A netlist of cells without hierarchy: nets of one bit, gates, flip-flops, RAMs.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/gates/cell_table.h"

namespace corank::gates {

using Net = std::uint32_t;
inline constexpr Net kLow = 0, kHigh = 1;  // the constants

inline constexpr unsigned kMostInputs = 4;

struct Gate {
  std::array<Net, kMostInputs> inputs{};  // those that it does not have are kLow
  Net output = 0;
  std::uint16_t table = 0;  // as CellOutput's
};

struct Flop {
  Net data = 0, output = 0;
  std::uint32_t unit = 0;
};

/// ram_1r1w.
struct Ram {
  std::vector<Net> read_address, read_data, write_address, write_data;  // the lowest bit first
  Net read_enable = 0, write_enable = 0;
  std::uint32_t unit = 0;
};

struct Netlist {
  std::vector<Gate> gates;
  std::vector<Flop> flops;
  std::vector<Ram> rams;
  std::vector<EdgeEnergy> energy;   // of an edge of each net
  std::vector<std::uint32_t> unit;  // of what drives each net
  // Where modules are in the hierarchy: "u_a/u_b" is within "u_a". The top is "".
  std::vector<std::string> units;
  /// Bits of the ports, the lowest first: "irq_o" of the top, "u_a/u_b.data_o" of an instance.
  std::map<std::string, std::vector<Net>> ports;
  double clock_pj = 0;  // a flip-flop and cycle: clock pin and what is inside
};

/// `verilog`: structural, as Yosys writes it (`write_verilog -noattr -noexpr -simple-lhs` after
/// `splitnets`); its last module that nobody instantiates is the top. Every flip-flop must have the
/// top's `clock`. Throws std::runtime_error that says what is wrong.
Netlist flatten(const std::string& verilog, const CellTable& cells, const std::string& clock);

}  // namespace corank::gates
