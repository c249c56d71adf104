// What `corank cost` prints and writes.
#include <fmt/format.h>

#include <algorithm>

#include "host/cost/cost.h"
#include "host/cost/cost_data.h"
#include "models/cost/nodes.h"

namespace corank {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kArea =
    "area: A. Stillmaker and B. Baas, Integration 58 (2017) 74-81; 28 nm between its 32 and 20 nm";
constexpr const char* kTime =
    "time: FO4, 360 ps a um of gate length (R. Ho, K. Mai, M. Horowitz, Proc. IEEE 89, 2001); 7 nm "
    "by Stillmaker and Baas' delays from 32 nm";

std::string shape_text(const MachineShape& shape) {
  return fmt::format("{}x{}, {} lanes, {} + {} KiB, AXI {} bit", shape.array_rows,
                     shape.array_columns, shape.vector_lanes, shape.scratchpad_kib,
                     shape.accumulator_kib, shape.axi_data_bits);
}

std::string quality_of(const CostReport& r) {
  const std::string how = r.composed ? "modelled" : "measured here";
  return r.node_nm == kNodes[0].nm ? how : how + " at 180 nm, scaled";
}

std::string ram_quality_of(const CostReport& r) {
  const int node = sram_data().node_nm;
  return r.node_nm == node ? fmt::format("{} nm", node)
                           : fmt::format("{} nm, scaled to {} nm", node, r.node_nm);
}

std::string errors_of(const std::vector<FitPoint>& points) {
  const FitError error = largest_error(points);
  return fmt::format("area {:.2f} %, time {:.1f} %", 100 * error.area, 100 * error.delay);
}

std::string shown(const std::string& unit) { return unit.empty() ? "(top)" : unit; }

std::string source_lines(const CostReport& r) {
  std::string text = fmt::format(
      "  logic        {}: osu018 cells, 180 nm, typical, 1.8 V, 25 C, an ideal clock, no wires; "
      "{}\n",
      quality_of(r), r.tools);
  if (r.composed) {
    const FitData& data = fit_data();
    text += fmt::format(
        "               closed form of {} machines that were synthesised, largest residual: {}; "
        "{} held out, largest error: {}\n",
        data.fitted.size(), errors_of(data.fitted), data.held_out.size(), errors_of(data.held_out));
  }
  text += fmt::format("  memories     CACTI 7, {}: {}\n", ram_quality_of(r), sram_data().quality);
  if (r.node_nm != kNodes[0].nm) text += fmt::format("  scaled by    {}; {}\n", kArea, kTime);
  if (r.outside_fit)
    text +=
        "  WARNING      the machine is larger than those that were synthesised for the closed "
        "form\n";
  if (r.without_parity)
    text +=
        "  WARNING      the gates of the parity are not in the closed form, only its bits in the "
        "RAMs\n";
  if (r.other_rtl && r.composed)
    text += fmt::format(
        "  WARNING      the closed form was fitted to other RTL than this; {} makes it anew\n",
        fit_data().made_by);
  return text;
}

std::string unit_lines(const CostReport& r) {
  std::string text = fmt::format("\n  {:<26}{:>11}{:>8}{:>13}{:>14}{:>14}\n", "unit", "area mm2",
                                 "share", "flip-flops", "leakage uW", "slowest ns");
  for (const UnitCostLine& unit : r.units)
    text += fmt::format("  {:<26}{:>11.4f}{:>7.1f}%{:>13.0f}{:>14.3f}{:>14}\n", shown(unit.unit),
                        unit.area_um2 / 1e6, 100 * unit.area_um2 / r.logic_um2, unit.flops,
                        unit.leakage_nw / 1e3,
                        unit.delay_ns > 0 ? fmt::format("{:.2f}", unit.delay_ns) : "-");
  text += fmt::format("  {:<26}{:>11.4f}{:>8}{:>13.0f}{:>14.3f}{:>14.2f}\n", "logic",
                      r.logic_um2 / 1e6, "", r.flops, r.leakage_nw / 1e3, r.delay_ns);
  return text;
}

// Beside the array, to which a decoder of packed weights is held.
std::string decoder_line(const CostReport& r) {
  const auto array = std::find_if(r.units.begin(), r.units.end(),
                                  [](const auto& unit) { return unit.unit == kArrayUnit; });
  if (r.decoder_um2 == 0 || array == r.units.end()) return "";
  return fmt::format("  of {} the decoder of packed weights: {:.4f} mm2, {:.1f} % of {}\n",
                     kLoadUnit, r.decoder_um2 / 1e6, 100 * r.decoder_um2 / array->area_um2,
                     kArrayUnit);
}

std::string ram_lines(const CostReport& r) {
  std::string text = fmt::format("\n  {:<26}{:>7}{:>8}{:>7}{:>11}{:>14}{:>11}\n", "memory macros",
                                 "count", "words", "bits", "KiB each", "mm2 each", "mm2");
  int count = 0;
  double bytes = 0;
  for (const RamLine& ram : r.rams) {
    const RamGroup& group = ram.group;
    text += fmt::format("  {:<26}{:>7}{:>8}{:>7}{:>11.2f}{:>14.4f}{:>11.4f}\n", shown(group.unit),
                        group.count, group.words, group.width, ram.bytes / 1024, ram.area_um2 / 1e6,
                        ram.area_um2 * group.count / 1e6);
    count += group.count;
    bytes += ram.bytes * group.count;
  }
  text += fmt::format("  {:<26}{:>7}{:>8}{:>7}{:>11.1f}{:>14}{:>11.4f}\n", "memories", count, "",
                      "", bytes / 1024, "", r.ram_um2 / 1e6);
  return text;
}

std::string clock_lines(const CostReport& r) {
  std::string text = fmt::format(
      "\n  clock        {:.1f} MHz at {} nm ({}): the slowest path from register to "
      "register takes {:.2f} ns\n",
      r.fmax_mhz(), r.node_nm, quality_of(r), r.delay_ns);
  if (r.clock_mhz > r.fmax_mhz())
    text += fmt::format("  WARNING      the configuration asks for {:.0f} MHz\n", r.clock_mhz);
  for (const PathLine& path : r.paths)
    text += fmt::format("  {:>9.2f} ns  {} -> {}\n", path.delay_ns, path.from, path.to);
  if (!r.false_paths.empty()) {
    text += "  not timed    ";
    for (std::size_t i = 0; i < r.false_paths.size(); ++i)
      text += (i == 0 ? "" : ", ") + r.false_paths[i];
    text += ": their buffer trees are not built\n";
  }
  return text;
}

Json path_json(const PathLine& path) {
  return {{"delay_ns", path.delay_ns}, {"from", path.from}, {"to", path.to}};
}

Json point_json(const FitPoint& point) {
  Json json;
  for (std::size_t i = 0; i < kSizes; ++i) json["sizes"][kSizeNames[i]] = point.sizes[i];
  json["area_um2"] = point.area_um2;
  json["delay_ns"] = point.delay_ns;
  json["area_error"] = point.area_error;
  json["delay_error"] = point.delay_error;
  return json;
}

Json points_json(const std::vector<FitPoint>& points) {
  Json list = Json::array();
  for (const FitPoint& point : points) list.push_back(point_json(point));
  return list;
}

// Node, source and quality of a kind of figures.
Json source_json(const CostReport& r) {
  const bool scaled = r.node_nm != kNodes[0].nm;
  Json json;
  json["logic"] = {
      {"quality", quality_of(r)},
      {"source", "osu018 cells (180 nm, typical, 1.8 V, 25 C), ideal clock, no wires; " + r.tools}};
  json["memories"] = {{"quality", "modelled, " + ram_quality_of(r)},
                      {"source", sram_data().source + "; " + sram_data().quality}};
  json["leakage"] = {{"quality", r.composed ? "modelled" : "measured here"},
                     {"source", "osu018 cells at 180 nm; not scaled; without memories"}};
  if (scaled) json["scaling"] = {{"area", kArea}, {"time", kTime}};
  return json;
}

}  // namespace

std::string to_table(const CostReport& r) {
  std::string text = fmt::format(
      "{}: {}: {:.3f} mm2 of logic and {:.3f} mm2 of memories at {} nm, "
      "{:.1f} MHz\n",
      r.name, shape_text(r.machine), r.logic_um2 / 1e6, r.ram_um2 / 1e6, r.node_nm, r.fmax_mhz());
  text += source_lines(r) + unit_lines(r) + decoder_line(r) + ram_lines(r) + clock_lines(r);
  text += fmt::format(
      "  leakage      {:.2f} uW of the logic at 180 nm ({}; not scaled, memories not included)\n",
      r.leakage_nw / 1e3, r.composed ? "modelled" : "measured here");
  return text;
}

nlohmann::ordered_json to_json(const CostReport& r) {
  Json json;
  json["name"] = r.name;
  for (const MachineParameter& parameter : kMachineParameters)
    json["machine"][parameter.name] = r.machine.*parameter.value;
  json["node_nm"] = r.node_nm;
  json["sources"] = source_json(r);
  json["composed"] = r.composed;
  json["logic_um2"] = r.logic_um2;
  json["memory_um2"] = r.ram_um2;
  json["decoder_um2"] = r.decoder_um2;
  json["flops"] = r.flops;
  json["leakage_nw_at_180_nm"] = r.leakage_nw;
  json["delay_ns"] = r.delay_ns;
  json["fmax_mhz"] = r.fmax_mhz();
  json["clock_mhz"] = r.clock_mhz;
  json["units"] = Json::array();
  for (const UnitCostLine& unit : r.units)
    json["units"].push_back({{"unit", shown(unit.unit)},
                             {"area_um2", unit.area_um2},
                             {"flops", unit.flops},
                             {"leakage_nw_at_180_nm", unit.leakage_nw},
                             {"slowest_path_ns", unit.delay_ns}});
  json["memories"] = Json::array();
  for (const RamLine& ram : r.rams)
    json["memories"].push_back({{"unit", shown(ram.group.unit)},
                                {"count", ram.group.count},
                                {"words", ram.group.words},
                                {"width", ram.group.width},
                                {"bytes_each", ram.bytes},
                                {"area_um2_each", ram.area_um2}});
  json["paths"] = Json::array();
  for (const PathLine& path : r.paths) json["paths"].push_back(path_json(path));
  json["not_timed"] = r.false_paths;
  if (r.composed)
    json["closed_form"] = {{"made_by", fit_data().made_by},
                           {"rtl", fit_data().rtl},
                           {"other_rtl_than_this", r.other_rtl},
                           {"beyond_its_points", r.outside_fit},
                           {"without_parity", r.without_parity},
                           {"fitted", points_json(fit_data().fitted)},
                           {"held_out", points_json(fit_data().held_out)}};
  return json;
}

}  // namespace corank
