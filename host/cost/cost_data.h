// The figures that costs rest on: configs/cost, part of the program.
#pragma once

#include <string>
#include <vector>

#include "models/cost/machine_cost.h"
#include "models/cost/sram.h"

namespace corank {

/// What the closed form says of a machine that was synthesised.
struct FitPoint {
  MachineSizes sizes{};
  double area_um2 = 0, delay_ns = 0;       // 0 ns: its paths were not looked for
  double area_error = 0, delay_error = 0;  // closed form / synthesis - 1
};

struct FitData {
  MachineFit fit;
  std::string rtl;    // key of the RTL that was measured (key_of_rtl)
  std::string tools;  // "Yosys 0.70, OpenSTA 2.0.17"
  std::string made_by;
  std::vector<FitPoint> fitted, held_out;
};

/// Energy of reads and of writes at a node.
struct SramEnergyData {
  int node_nm = 0;
  SramEnergy read, write;
};

struct SramData {
  std::vector<SramPoint> points;  // area
  int node_nm = 0;
  std::string source, quality;
  std::vector<SramEnergyData> energy;
  std::string energy_source;
};

const FitData& fit_data();
const SramData& sram_data();

/// From the text of a file like configs/cost/fit.json or sram.json.
FitData parse_fit(const std::string& text);
SramData parse_sram(const std::string& text);

/// The largest error of the area over points, and of the delay, as shares.
struct FitError {
  double area = 0, delay = 0;
};
FitError largest_error(const std::vector<FitPoint>& points);

}  // namespace corank
