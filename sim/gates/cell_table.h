// What the cells of a netlist do and take (cells.json of host/cost/synthesis/gates.py).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace corank::gates {

/// Internal energy of an output by the capacitance that hangs on it; linear between the points and
/// beyond.
struct OutputEnergy {
  std::vector<double> load_pf, rise_pj, fall_pj;
};

struct EdgeEnergy {
  double rise_pj = 0, fall_pj = 0;
};

struct CellOutput {
  std::string pin;
  unsigned table = 0;  // bit n: its value for the inputs that are the bits of n; of gates alone
  OutputEnergy energy;
};

struct Cell {
  std::vector<std::string> inputs;
  std::vector<CellOutput> outputs;
  std::string clock, data;  // of a flip-flop; else ""
  std::map<std::string, double> capacitance_pf;
  std::map<std::string, EdgeEnergy> input_energy;  // what an input takes whatever the output does

  bool is_flop() const { return !clock.empty(); }
};

struct CellTable {
  double volts = 0;
  std::map<std::string, Cell> cells;
};

/// Throws std::runtime_error with the path and what is wrong.
CellTable read_cell_table(const std::string& path);

/// Of an edge of an output: what the cell takes inside, and half of what charges and discharges the
/// load.
EdgeEnergy energy_of_edge(const OutputEnergy& internal, double load_pf, double volts);

}  // namespace corank::gates
