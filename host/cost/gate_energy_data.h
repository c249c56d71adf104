// The energies of gates that reports rest on: configs/cost/energy.json, part of the program.
#pragma once

#include <string>
#include <vector>

#include "models/cost/gate_energy.h"

namespace corank {

/// The name in energy.json of the unit that multiplies and accumulates.
inline constexpr const char* kGateArray = "array";

/// What somebody published of a multiply-accumulate, BF16 with a sum in FP32.
struct PublishedMac {
  int node_nm = 0;
  double mac_pj = 0;
  std::string table;
};

struct GateEnergyData {
  GateEnergies energies;
  std::string rtl;    // key of the RTL whose gates were simulated (key_of_rtl)
  std::string tools;  // "Yosys 0.70"
  std::string made_by;
  std::vector<double> flops;             // of each unit, in the machine whose gates were simulated
  std::size_t fitted = 0, held_out = 0;  // runs
  double error = 0;                      // the largest of those that were held out, as a share
  double switching_error = 0;            // without the clock
  std::vector<PublishedMac> published;
};

const GateEnergyData& gate_energy_data();

/// From the text of a file like configs/cost/energy.json. Throws MachineError for a counter or a
/// size that no machine has.
GateEnergyData parse_gate_energy(const std::string& text);

}  // namespace corank
