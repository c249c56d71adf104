#include "host/cost/fpga_cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/cost/synthesis.h"
#include "models/base/error.h"

namespace corank {
namespace {

// Beyond it the tools take hours.
constexpr int kMostPes = 64;

const FpgaFamily& family_named(const std::string& target) {
  if (const FpgaFamily* family = fpga_family(target)) return *family;
  std::string known;
  for (const FpgaFamily& family : fpga_families()) known += std::string(", ") + family.target;
  throw InputError("--target: expected osu018" + known + ", found '" + target + "'");
}

bool holds(const FpgaPart& part, const FpgaCounts& counts) {
  return lacking_of(part, counts).empty();
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

FpgaUnit& line_of(std::vector<FpgaUnit>& units, const std::string& instance) {
  const std::string name = without_numbers(instance);
  const auto line = std::find_if(units.begin(), units.end(),
                                 [&](const FpgaUnit& known) { return known.unit == name; });
  if (line != units.end()) return *line;
  units.emplace_back().unit = name;
  return units.back();
}

void add_routing(const nlohmann::json& routing, FpgaReport& report) {
  report.routing +=
      fmt::format("{} at speed grade {}, seed {}", routing.at("part").get<std::string>(),
                  routing.at("speed_grade").get<int>(), routing.at("seed").get<int>());
  for (const nlohmann::json& routed : routing.at("units")) {
    const auto instance = routed.at("instance").get<std::string>();
    FpgaUnit& unit = instance.empty() ? report.whole : line_of(report.units, instance);
    if (routed.contains("failed")) {
      unit.failed = routed.at("failed").get<std::string>();
      continue;
    }
    const auto fmax_mhz = routed.at("fmax_mhz").get<double>();
    if (unit.fmax_mhz && *unit.fmax_mhz <= fmax_mhz) continue;
    unit.fmax_mhz = fmax_mhz;
    unit.from = routed.value("from", "");
    unit.to = routed.value("to", "");
  }
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
       "as nextpnr-ecp5 0.11.1 says what each has",
       true},
      {"xilinx7",
       "Xilinx 7 series",
       {{"XC7A35T", {20800, 41600, 100, 90}},
        {"XC7A100T", {63400, 126800, 270, 240}},
        {"XC7A200T", {134600, 269200, 730, 740}},
        {"XC7K325T", {203800, 407600, 890, 840}}},
       "Xilinx DS180, 7 series FPGAs overview; block RAMs in halves of 18 Kbit",
       false}};
  return families;
}

const FpgaFamily* fpga_family(const std::string& target) {
  for (const FpgaFamily& family : fpga_families())
    if (target == family.target) return &family;
  return nullptr;
}

std::string lacking_of(const FpgaPart& part, const FpgaCounts& counts) {
  std::string lacking;
  for (std::size_t kind = 0; kind < counts.size(); ++kind)
    if (counts[kind] > part.has[kind])
      lacking += fmt::format("{}{} {} of {}", lacking.empty() ? "" : ", ", counts[kind],
                             kFpgaKindTitles[kind], part.has[kind]);
  return lacking;
}

bool FpgaReport::fits() const { return holds(*part, whole.counts); }

const FpgaUnit* FpgaReport::slowest() const {
  if (whole.fmax_mhz) return &whole;
  const FpgaUnit* slowest = nullptr;
  for (const FpgaUnit& unit : units)
    if (unit.fmax_mhz && (slowest == nullptr || *unit.fmax_mhz < *slowest->fmax_mhz))
      slowest = &unit;
  return slowest;
}

FpgaReport fpga_report(const nlohmann::json& synthesis, const FpgaFamily& family,
                       const std::string& part) {
  FpgaReport report;
  report.family = &family;
  report.tools = "Yosys " + synthesis.at("tools").at("yosys").get<std::string>();
  const nlohmann::json& tree = synthesis.at("hierarchy");
  report.whole.unit = "machine";
  report.whole.counts = counts_of(tree);
  FpgaUnit top;
  top.unit = "(top)";
  top.counts = report.whole.counts;
  for (const nlohmann::json& child : tree.at("children")) {
    const FpgaCounts counts = counts_of(child);
    FpgaUnit& line = line_of(report.units, child.at("instance").get<std::string>());
    for (std::size_t kind = 0; kind < counts.size(); ++kind) {
      line.counts[kind] += counts[kind];
      top.counts[kind] -= counts[kind];
    }
  }
  if (synthesis.contains("routing")) {
    report.routing =
        "nextpnr-ecp5 " + synthesis.at("tools").at("nextpnr").get<std::string>() + ", ";
    add_routing(synthesis.at("routing"), report);
  }
  report.units.push_back(top);
  std::stable_sort(report.units.begin(), report.units.end(),
                   [](const auto& a, const auto& b) { return a.counts[0] > b.counts[0]; });
  report.part = part_of(family, part, report.whole.counts);
  return report;
}

FpgaReport fpga_cost(const Config& config, const std::string& target, const std::string& part,
                     const CostOptions& options) {
  const FpgaFamily& family = family_named(target);
  if (!part.empty()) part_of(family, part, {});
  if (!options.route.empty() && !family.routable)
    throw InputError("--route: there is no free tool that places and routes " + target +
                     "; expected --target ecp5");
  const int pes = config.machine.array_rows * config.machine.array_columns;
  if (pes > kMostPes && !options.whole)
    throw InputError(
        fmt::format("--target {}: the machine has {} PEs, and more than {} take hours to map; "
                    "expected a smaller array, or --whole to count it all the same",
                    target, pes, kMostPes));
  FpgaReport report = fpga_report(
      synthesise(config.machine, {target, !options.progress, options.stop, options.route}), family,
      part);
  report.name = config.name;
  report.clock_mhz = config.limits.clock_mhz;
  report.machine = config.machine;
  return report;
}

namespace {

void add_clock(const FpgaUnit& unit, nlohmann::ordered_json& json) {
  if (unit.fmax_mhz)
    json["fmax_mhz"] = {{"value", *unit.fmax_mhz}, {"from", unit.from}, {"to", unit.to}};
  if (!unit.failed.empty()) json["failed"] = unit.failed;
}

// "fits", or of what there is too little.
std::string verdict(const FpgaReport& r) {
  const std::string lacking = lacking_of(*r.part, r.whole.counts);
  return lacking.empty() ? "fits" : "DOES NOT FIT: " + lacking;
}

std::string unit_line(const std::string& name, const FpgaCounts& counts,
                      const std::string& clock = "") {
  const std::string line = fmt::format("  {:<26}{:>9}{:>12}{:>12}{:>8}", name, counts[0], counts[1],
                                       counts[2], counts[3]);
  return line + (clock.empty() ? "" : fmt::format("{:>9}", clock)) + "\n";
}

std::string clock_of(const FpgaUnit& unit) {
  if (!unit.failed.empty()) return "failed";
  return unit.fmax_mhz ? fmt::format("{:.1f}", *unit.fmax_mhz) : "";
}

std::string share_line(const FpgaReport& r) {
  constexpr std::array<int, 4> kWidths = {8, 11, 11, 7};
  std::string text = fmt::format("  {:<26}", "share");
  for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
    text += fmt::format(
        "{:>{}.0f}%",
        100.0 * static_cast<double>(r.whole.counts[kind]) / static_cast<double>(r.part->has[kind]),
        kWidths[kind]);
  return text + "\n";
}

std::string routing_lines(const FpgaReport& r) {
  std::string text;
  const FpgaUnit* slowest = r.slowest();
  if (slowest != nullptr) {
    const bool whole = slowest == &r.whole;
    text += fmt::format("\n  clock        {:.1f} MHz is what the {} reaches{}: {} -> {}\n",
                        *slowest->fmax_mhz, whole ? "machine" : "slowest unit",
                        whole ? "" : ", " + slowest->unit, slowest->from, slowest->to);
    if (!whole)
      text += "               the machine is no faster: paths from unit to unit are not in it\n";
    if (r.clock_mhz > *slowest->fmax_mhz)
      text += fmt::format("  WARNING      the configuration asks for {:.0f} MHz\n", r.clock_mhz);
  }
  const auto complaint = [](const FpgaUnit& unit) {
    return unit.failed.empty()
               ? ""
               : fmt::format("  WARNING      {}: no clock: {}\n", unit.unit, unit.failed);
  };
  for (const FpgaUnit& unit : r.units) text += complaint(unit);
  return text + complaint(r.whole);
}

}  // namespace

std::string to_table(const FpgaReport& r) {
  std::string text =
      fmt::format("{}: {}x{} on {} ({}): {}\n", r.name, r.machine.array_rows,
                  r.machine.array_columns, r.part->name, r.family->title, verdict(r));
  text += fmt::format("  counted after technology mapping, measured here ({}); ", r.tools);
  if (!r.routing.empty())
    text += "MHz\n  placed and routed: " + r.routing + "\n";
  else
    text += r.family->routable ? "not placed: --route units gives their clocks\n"
                               : "not placed, no clock\n";
  text += fmt::format("  the part's sizes: {}\n", r.family->source);
  text += fmt::format("\n  {:<26}{:>9}{:>12}{:>12}{:>8}{}\n", "unit", "LUTs", "flip-flops",
                      "block RAMs", "DSPs", r.routing.empty() ? "" : "      MHz");
  for (const FpgaUnit& unit : r.units) text += unit_line(unit.unit, unit.counts, clock_of(unit));
  return text + unit_line(r.whole.unit, r.whole.counts, clock_of(r.whole)) +
         unit_line(r.part->name, r.part->has) + share_line(r) + routing_lines(r);
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
  if (!r.routing.empty())
    json["routing"] = {{"quality", "measured here, placed and routed, units each by itself"},
                       {"source", r.routing}};
  for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind) {
    json["total"][kFpgaKinds[kind]] = r.whole.counts[kind];
    json["part_has"][kFpgaKinds[kind]] = r.part->has[kind];
  }
  add_clock(r.whole, json);
  json["units"] = nlohmann::ordered_json::array();
  for (const FpgaUnit& unit : r.units) {
    nlohmann::ordered_json line = {{"unit", unit.unit}};
    for (std::size_t kind = 0; kind < kFpgaKinds.size(); ++kind)
      line[kFpgaKinds[kind]] = unit.counts[kind];
    add_clock(unit, line);
    json["units"].push_back(line);
  }
  return json;
}

}  // namespace corank
