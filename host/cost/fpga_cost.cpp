#include "host/cost/fpga_cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/cost/synthesis.h"
#include "models/base/error.h"

namespace corank {
namespace {

// Beyond it the tools take hours and no part of these families holds the machine.
constexpr int kMostPes = 64;

const FpgaFamily& family_named(const std::string& target) {
  std::string known;
  for (const FpgaFamily& family : fpga_families()) {
    if (target == family.target) return family;
    known += std::string(", ") + family.target;
  }
  throw InputError("--target: expected osu018" + known + ", found '" + target + "'");
}

bool holds(const FpgaPart& part, const FpgaCounts& counts) {
  for (std::size_t kind = 0; kind < counts.size(); ++kind)
    if (counts[kind] > part.has[kind]) return false;
  return true;
}

const FpgaPart* part_of(const FpgaFamily& family, const std::string& name,
                        const FpgaCounts& counts) {
  std::string known;
  for (const FpgaPart& part : family.parts) {
    if (name.empty() ? holds(part, counts) : name == part.name) return &part;
    known += (known.empty() ? "" : ", ") + std::string(part.name);
  }
  if (name.empty()) return &family.parts.back();
  throw InputError("--part: expected one of " + known + ", found '" + name + "'");
}

FpgaCounts counts_of(const nlohmann::json& json) {
  FpgaCounts counts{};
  for (std::size_t kind = 0; kind < counts.size(); ++kind)
    counts[kind] = json.at(kFpgaKinds[kind]).get<std::int64_t>();
  return counts;
}

}  // namespace

const std::vector<FpgaFamily>& fpga_families() {
  static const std::vector<FpgaFamily> families = {
      {"ecp5",
       "Lattice ECP5",
       {{"LFE5U-25F", {24288, 24288, 56, 28}},
        {"LFE5U-45F", {43848, 43848, 108, 72}},
        {"LFE5U-85F", {83640, 83640, 208, 156}}},
       "Lattice FPGA-DS-02012, ECP5 and ECP5-5G family data sheet; flip-flops and LUTs as "
       "nextpnr-ecp5 counts them"},
      {"xilinx7",
       "Xilinx 7 series",
       {{"XC7A35T", {20800, 41600, 100, 90}},
        {"XC7A100T", {63400, 126800, 270, 240}},
        {"XC7A200T", {134600, 269200, 730, 740}},
        {"XC7K325T", {203800, 407600, 890, 840}}},
       "Xilinx DS180, 7 series FPGAs overview; block RAMs in halves of 18 Kbit"}};
  return families;
}

bool FpgaReport::fits() const { return holds(*part, total); }

FpgaReport fpga_report(const nlohmann::json& synthesis, const FpgaFamily& family,
                       const std::string& part) {
  FpgaReport report;
  report.family = &family;
  report.tools = "Yosys " + synthesis.at("tools").at("yosys").get<std::string>();
  const nlohmann::json& tree = synthesis.at("hierarchy");
  report.total = counts_of(tree);
  FpgaUnit top{"(top)", report.total};
  for (const nlohmann::json& child : tree.at("children")) {
    const std::string unit = without_numbers(child.at("instance").get<std::string>());
    const FpgaCounts counts = counts_of(child);
    auto line = std::find_if(report.units.begin(), report.units.end(),
                             [&](const FpgaUnit& known) { return known.unit == unit; });
    if (line == report.units.end()) line = report.units.insert(line, FpgaUnit{unit});
    for (std::size_t kind = 0; kind < counts.size(); ++kind) {
      line->counts[kind] += counts[kind];
      top.counts[kind] -= counts[kind];
    }
  }
  report.units.push_back(top);
  std::stable_sort(report.units.begin(), report.units.end(),
                   [](const auto& a, const auto& b) { return a.counts[0] > b.counts[0]; });
  report.part = part_of(family, part, report.total);
  return report;
}

FpgaReport fpga_cost(const Config& config, const std::string& target, const std::string& part,
                     const CostOptions& options) {
  const FpgaFamily& family = family_named(target);
  if (!part.empty()) part_of(family, part, {});
  const int pes = config.machine.array_rows * config.machine.array_columns;
  if (pes > kMostPes && !options.whole)
    throw InputError(
        fmt::format("--target {}: the machine has {} PEs, no part of the family holds "
                    "more than {}; expected a smaller array, or --whole to count it "
                    "all the same (hours)",
                    target, pes, kMostPes));
  FpgaReport report = fpga_report(
      synthesise(config.machine, {target, !options.progress, options.stop}), family, part);
  report.name = config.name;
  report.machine = config.machine;
  return report;
}

std::string to_table(const FpgaReport& r) {
  std::string text = fmt::format("{}: {}x{} on {} ({}): {}\n", r.name, r.machine.array_rows,
                                 r.machine.array_columns, r.part->name, r.family->title,
                                 r.fits() ? "fits" : "DOES NOT FIT");
  text += fmt::format(
      "  counted after technology mapping, measured here ({}); not placed, no clock\n", r.tools);
  text += fmt::format("  the part's sizes: {}\n", r.family->source);
  text += fmt::format("\n  {:<26}{:>9}{:>12}{:>12}{:>8}\n", "unit", "LUTs", "flip-flops",
                      "block RAMs", "DSPs");
  const auto line = [](const std::string& name, const FpgaCounts& counts) {
    return fmt::format("  {:<26}{:>9}{:>12}{:>12}{:>8}\n", name, counts[0], counts[1], counts[2],
                       counts[3]);
  };
  for (const FpgaUnit& unit : r.units) text += line(unit.unit, unit.counts);
  text += line("machine", r.total) + line(r.part->name, r.part->has);
  text += fmt::format("  {:<26}", "share");
  constexpr std::array<int, 4> kWidths = {8, 11, 11, 7};
  for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
    text += fmt::format(
        "{:>{}.0f}%",
        100.0 * static_cast<double>(r.total[kind]) / static_cast<double>(r.part->has[kind]),
        kWidths[kind]);
  return text + "\n";
}

nlohmann::ordered_json to_json(const FpgaReport& r) {
  nlohmann::ordered_json json;
  json["name"] = r.name;
  for (const MachineParameter& parameter : kMachineParameters)
    json["machine"][parameter.name] = r.machine.*parameter.value;
  json["target"] = r.family->target;
  json["part"] = r.part->name;
  json["fits"] = r.fits();
  json["quality"] = "measured here, after technology mapping";
  json["source"] = r.tools + "; sizes of parts: " + r.family->source;
  for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind) {
    json["total"][kFpgaKinds[kind]] = r.total[kind];
    json["part_has"][kFpgaKinds[kind]] = r.part->has[kind];
  }
  json["units"] = nlohmann::ordered_json::array();
  for (const FpgaUnit& unit : r.units) {
    nlohmann::ordered_json line = {{"unit", unit.unit}};
    for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
      line[kFpgaKinds[kind]] = unit.counts[kind];
    json["units"].push_back(line);
  }
  return json;
}

}  // namespace corank
