// What a machine costs in silicon: `corank cost`.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "models/cost/machine_cost.h"

namespace corank {

struct CostOptions {
  int node_nm = 180;
  bool whole = false;          // synthesise it, whatever its size
  std::string route;           // of an FPGA: place and route its units, each by itself
  bool progress = false;       // tell on a terminal what takes long
  std::function<bool()> stop;  // asked now and then: whether to give up
};

/// The sizes on which the cost of a machine depends.
MachineSizes sizes_of(const MachineShape& shape);

/// The closed form of a machine of this shape: without a decoder it has fewer parts.
MachineFit fit_of(const MachineShape& shape);

/// Whether a part is below the decoder of packed weights, which a machine without one has not.
bool is_of_decoder(const std::string& path);

struct UnitCostLine {
  std::string unit;
  double area_um2 = 0, flops = 0, leakage_nw = 0, delay_ns = 0;  // 0 ns: no path ends there
};

struct RamLine {
  RamGroup group;
  double bytes = 0, area_um2 = 0;  // of one
};

struct PathLine {
  double delay_ns = 0;
  std::string from, to;
};

/// Instances of rtl/corank_accelerator.sv: the local memories.
inline constexpr const char* kScratchpadUnit = "u_scratchpad";
inline constexpr const char* kAccumulatorUnit = "u_accumulator";
inline constexpr const char* kLoadUnit = "u_load_unit";
inline constexpr const char* kArrayUnit = "u_array_unit";

/// Whether this program's RTL is not the one of that key (key_of_rtl), or is not there.
bool is_other_rtl(const std::string& key);

/// Figures at the node; where the node is not that of the cells, areas and times are scaled.
struct CostReport {
  std::string name;
  MachineShape machine;
  double clock_mhz = 0;  // what the configuration asks for
  int node_nm = 180;
  bool composed = false;        // by the closed form, not synthesised
  bool outside_fit = false;     // a size is beyond those that were synthesised for it
  bool without_parity = false;  // it has parity, whose gates the closed form does not know
  bool other_rtl = false;       // the closed form was fitted to other RTL than there is
  std::string tools;            // that synthesised it, or what was fitted
  std::vector<UnitCostLine> units;
  std::vector<RamLine> rams;
  std::vector<PathLine> paths;           // the slowest first; of the closed form: by unit
  std::vector<std::string> false_paths;  // left out of the timing
  double logic_um2 = 0, ram_um2 = 0, flops = 0, leakage_nw = 0;
  double decoder_um2 = 0;  // of the load unit's area, that of the decoder of packed weights
  double delay_ns = 0;

  double fmax_mhz() const { return delay_ns > 0 ? 1e3 / delay_ns : 0; }
};

inline constexpr int kMostWholePes = 16, kMostWholeLanes = 8;

/// Of the configuration's machine, which is synthesised (cached) if it has no more PEs and lanes of
/// its memories than these, else composed. Throws InputError (an unknown node, missing tools),
/// MachineError.
CostReport cost(const Config& config, const CostOptions& options);

/// Figures of a machine from what the synthesis says, at the cells' own node.
CostReport synthesised_cost(const nlohmann::json& synthesis);

/// The name of all instances that differ by numbers alone: "gen_queue[3].u_queue" ->
/// "gen_queue.u_queue".
std::string without_numbers(const std::string& name);

/// By the closed form alone: no tool, no file.
CostReport composed_cost(const MachineShape& machine, int node_nm);

nlohmann::ordered_json to_json(const CostReport& report);
std::string to_table(const CostReport& report);

}  // namespace corank
