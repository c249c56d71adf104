// The energy of a step by the machine's own gates, in the lines of a report.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/driver/counters.h"
#include "models/energy/energy.h"
#include "sim/machine/shape.h"

namespace corank {

/// A unit's nets, its flip-flops' clock and what leaks: figures a cycle. `node`: of the table; at
/// another one than the cells' the figures are scaled. Throws KeyError for a node without factors.
std::vector<EnergyLine> gate_energy_lines(const DeviceCounters& counters,
                                          const MachineShape& machine, double clock_mhz,
                                          const std::string& node);

/// A multiply-accumulate in a PE beside what was published of one.
struct MacComparison {
  int node_nm = 0;
  double gates_pj = 0;  // scaled, where the node is not the cells' own
  double published_pj = 0;
  std::string table;

  double ratio() const { return gates_pj / published_pj; }
};

struct GateMac {
  double pj = 0;  // at the cells' own node
  std::vector<MacComparison> beside;
  bool other_rtl = false;  // the gates that were simulated are of another RTL than there is
};

GateMac gate_mac(const MachineShape& machine);

nlohmann::ordered_json to_json(const GateMac& mac);
std::string gate_mac_lines(const GateMac& mac);

}  // namespace corank
