// A library of three cells with round figures, at 2 V.
#pragma once

#include "sim/gates/cell_table.h"

namespace corank::test {

/// INV: 1 pF, 3 pJ inside for a rise and 5 for a fall, 1 more a pF of load. AND: 2 pF an input,
/// nothing inside. DFF: clock 4 pF, data 1 pF and 7 pJ an edge, 6 and 8 pJ inside by the clock's
/// edges.
inline gates::CellTable round_cells() {
  gates::CellTable table;
  table.volts = 2;
  gates::Cell& inverter = table.cells["INV"];
  inverter.inputs = {"A"};
  inverter.outputs = {{"Y", 0b01, {{1, 2}, {4, 5}, {6, 7}}}};
  inverter.capacitance_pf = {{"A", 1}};
  inverter.input_energy = {{"A", {0, 0}}};
  gates::Cell& conjunction = table.cells["AND"];
  conjunction.inputs = {"A", "B"};
  conjunction.outputs = {{"Y", 0b1000, {{1, 2}, {0, 0}, {0, 0}}}};
  conjunction.capacitance_pf = {{"A", 2}, {"B", 2}};
  conjunction.input_energy = {{"A", {0, 0}}, {"B", {0, 0}}};
  gates::Cell& flop = table.cells["DFF"];
  flop.inputs = {"C", "D"};
  flop.outputs = {{"Q", 0, {{1, 2}, {1, 1}, {1, 1}}}};
  flop.clock = "C";
  flop.data = "D";
  flop.capacitance_pf = {{"C", 4}, {"D", 1}};
  flop.input_energy = {{"C", {6, 8}}, {"D", {7, 7}}};
  return table;
}

}  // namespace corank::test
