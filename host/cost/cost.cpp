#include "host/cost/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "host/cost/cost_data.h"
#include "host/cost/synthesis.h"
#include "models/base/error.h"
#include "models/cost/nodes.h"
#include "sim/machine/recipe.h"

namespace corank {
namespace {

const NodeScaling& scaling_of(int nm) {
  if (const NodeScaling* node = node_scaling(nm)) return *node;
  std::string known;
  for (const NodeScaling& node : kNodes)
    known += (known.empty() ? "" : ", ") + std::to_string(node.nm);
  throw InputError(fmt::format("--node: no figures for {} nm; expected one of {}", nm, known));
}

template <class Line>
Line& line_of(std::vector<Line>& lines, const std::string& unit) {
  const auto found =
      std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.unit == unit; });
  if (found != lines.end()) return *found;
  lines.push_back({});
  lines.back().unit = unit;
  return lines.back();
}

// What a machine without a decoder of packed weights does not have, below its load unit.
constexpr const char* kDecoderBlock = "gen_decoder";

template <class Part>
void leave_decoder_out(std::vector<Part>& parts) {
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [](const Part& part) { return is_of_decoder(part.path); }),
              parts.end());
}

// The macros of an instance, by unit and size.
void add_rams(std::vector<RamLine>& rams, const std::string& unit, const nlohmann::json& json) {
  for (const nlohmann::json& ram : json) {
    const RamGroup group{unit, ram.at("words").get<int>(), ram.at("width").get<int>(),
                         ram.at("count").get<int>()};
    const auto same = std::find_if(rams.begin(), rams.end(), [&](const RamLine& line) {
      return line.group.unit == unit && line.group.words == group.words &&
             line.group.width == group.width;
    });
    if (same == rams.end())
      rams.push_back({group});
    else
      same->group.count += group.count;
  }
}

void add_unit(CostReport& report, const std::string& name, const nlohmann::json& json) {
  UnitCostLine& line = line_of(report.units, name);
  line.area_um2 += json.at("area_um2").get<double>();
  line.flops += json.at("flops").get<double>();
  line.leakage_nw += json.at("leakage_nw").get<double>();
  add_rams(report.rams, name, json.at("rams"));
}

// What is the top's own is a unit without a name.
nlohmann::json own_of(const nlohmann::json& tree) {
  nlohmann::json own = tree;
  for (const nlohmann::json& child : tree.at("children"))
    for (const char* key : {"area_um2", "flops", "leakage_nw"})
      own[key] = own[key].get<double>() - child.at(key).get<double>();
  own["rams"] = nlohmann::json::array();
  return own;
}

CostReport from_synthesis(const nlohmann::json& json) {
  CostReport report;
  const nlohmann::json& tools = json.at("tools");
  report.tools = "Yosys " + tools.at("yosys").get<std::string>() + ", OpenSTA " +
                 tools.at("opensta").get<std::string>();
  const nlohmann::json& tree = json.at("hierarchy");
  for (const nlohmann::json& child : tree.at("children")) {
    const auto instance = child.at("instance").get<std::string>();
    add_unit(report, without_numbers(instance), child);
    if (instance != kLoadUnit) continue;
    for (const nlohmann::json& part : child.at("children"))
      if (part.at("instance").get<std::string>().rfind(kDecoderBlock, 0) == 0)
        report.decoder_um2 += part.at("area_um2").get<double>();
  }
  add_unit(report, "", own_of(tree));
  const nlohmann::json& timing = json.at("timing");
  for (const auto& [unit, path] : timing.at("units").items()) {
    double& delay = line_of(report.units, without_numbers(unit)).delay_ns;
    delay = std::max(delay, path.at("delay_ns").get<double>());
  }
  for (const nlohmann::json& path : timing.at("paths"))
    report.paths.push_back({path.at("delay_ns").get<double>(), path.at("from").get<std::string>(),
                            path.at("to").get<std::string>()});
  for (const nlohmann::json& net : timing.at("false_paths"))
    report.false_paths.push_back(net.get<std::string>());
  return report;
}

CostReport from_closed_form(const MachineShape& shape) {
  const MachineSizes sizes = sizes_of(shape);
  CostReport report;
  report.composed = true;
  report.without_parity = shape.parity != 0;
  report.other_rtl = is_other_rtl(fit_data().rtl);
  report.tools = fit_data().tools;
  const MachineFit fit = fit_of(shape);
  const MachineCost machine = cost_of(fit, sizes);
  for (const CostPart& part : fit.parts)
    if (is_of_decoder(part.path)) report.decoder_um2 += amount_of(part.area_um2, sizes);
  for (const UnitCost& unit : machine.units)
    report.units.push_back({unit.unit, unit.area_um2, unit.flops, unit.leakage_nw, unit.delay_ns});
  for (RamGroup group : machine.rams) {
    const bool local = group.unit == kScratchpadUnit || group.unit == kAccumulatorUnit;
    if (local) group.width += shape.parity;
    report.rams.push_back({group});
  }
  // A size that was never varied as far is an extrapolation.
  for (std::size_t i = 0; i < kSizes; ++i) {
    double most = 0;
    for (const FitPoint& point : fit_data().fitted) most = std::max(most, point.sizes[i]);
    report.outside_fit = report.outside_fit || sizes[i] > most;
  }
  return report;
}

// Sums, prices of the macros, and everything at the node.
void finish(CostReport& report, const NodeScaling& node) {
  const NodeScaling& ram_node = scaling_of(sram_data().node_nm);
  const double time = delay_factor(node);
  report.decoder_um2 *= node.area;
  for (UnitCostLine& unit : report.units) {
    unit.area_um2 *= node.area;
    unit.delay_ns *= time;
    report.logic_um2 += unit.area_um2;
    report.flops += unit.flops;
    report.leakage_nw += unit.leakage_nw;
    report.delay_ns = std::max(report.delay_ns, unit.delay_ns);
  }
  for (PathLine& path : report.paths) path.delay_ns *= time;
  for (RamLine& ram : report.rams) {
    ram.bytes = ram.group.words * static_cast<double>(ram.group.width) / 8;
    ram.area_um2 = sram_area_um2(sram_data().points, ram.bytes) * node.area / ram_node.area;
    report.ram_um2 += ram.area_um2 * ram.group.count;
  }
  std::stable_sort(report.units.begin(), report.units.end(),
                   [](const auto& a, const auto& b) { return a.area_um2 > b.area_um2; });
  report.node_nm = node.nm;
}

}  // namespace

bool is_other_rtl(const std::string& key) {
  static const std::string own = [] {
    try {
      return key_of_rtl(read_recipe({}, false));
    } catch (const MachineError&) {
      return std::string();
    }
  }();
  return own != key;
}

std::string without_numbers(const std::string& name) {
  std::string text;
  bool inside = false;
  for (const char c : name) {
    if (c == '[') inside = true;
    if (!inside) text += c;
    if (c == ']') inside = false;
  }
  return text;
}

MachineSizes sizes_of(const MachineShape& shape) {
  return machine_sizes(
      {static_cast<double>(shape.array_rows), static_cast<double>(shape.array_columns),
       static_cast<double>(shape.vector_lanes), static_cast<double>(memory_lanes(shape)),
       static_cast<double>(shape.scratchpad_kib), static_cast<double>(shape.scratchpad_banks),
       static_cast<double>(shape.accumulator_kib), static_cast<double>(shape.accumulator_banks),
       static_cast<double>(shape.axi_data_bits), static_cast<double>(shape.queue_depth)});
}

bool is_of_decoder(const std::string& path) {
  return path.rfind(std::string(kLoadUnit) + "/" + kDecoderBlock, 0) == 0;
}

MachineFit fit_of(const MachineShape& shape) {
  MachineFit fit = fit_data().fit;
  if (shape.decoder != 0) return fit;
  leave_decoder_out(fit.parts);
  leave_decoder_out(fit.rams);
  return fit;
}

CostReport synthesised_cost(const nlohmann::json& synthesis) {
  CostReport report = from_synthesis(synthesis);
  finish(report, kNodes[0]);
  return report;
}

CostReport composed_cost(const MachineShape& machine, int node_nm) {
  CostReport report = from_closed_form(machine);
  report.machine = machine;
  finish(report, scaling_of(node_nm));
  return report;
}

CostReport cost(const Config& config, const CostOptions& options) {
  const NodeScaling& node = scaling_of(options.node_nm);
  const MachineShape& machine = config.machine;
  const bool whole =
      options.whole || (machine.array_rows * machine.array_columns <= kMostWholePes &&
                        memory_lanes(machine) <= kMostWholeLanes);
  CostReport report;
  if (whole)
    report =
        from_synthesis(synthesise(config.machine, {"osu018", !options.progress, options.stop, {}}));
  else
    report = from_closed_form(config.machine);
  report.name = config.name;
  report.machine = config.machine;
  report.clock_mhz = config.limits.clock_mhz;
  finish(report, node);
  return report;
}

}  // namespace corank
