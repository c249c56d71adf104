#include "host/sweep/sweep_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include "host/config/schema.h"
#include "host/config/yaml_tree.h"
#include "host/sweep/axis_values.h"
#include "host/sweep/sweep_rules.h"
#include "models/base/text.h"

namespace corank {
namespace {

// Designs are numbered, and doubles count them exactly.
constexpr double kMostDesigns = 9e15;

/// Whether one path is the other or the mapping that holds it.
bool is_or_holds(const std::string& above, const std::string& path) {
  return path.compare(0, above.size(), above) == 0 &&
         (path.size() == above.size() || path[above.size()] == '.');
}

// ---- the keys of a sweep's file ----

/// A key whose values are read by a function.
Key own_key(const std::string& name, const std::string& type, const std::string& help,
            std::function<void(const YamlNode&, const std::string&)> read) {
  Key key;
  key.name = name;
  key.type = type;
  key.help = help;
  key.read = std::move(read);
  return key;
}

void read_axes(const YamlNode& node, SweepFile& sweep) {
  if (node.kind != YamlNode::Kind::kMapping) refuse(node, "axes", "a mapping of keys to values");
  sweep.axes_place = node.where;
  double designs = 1;
  for (const YamlEntry& entry : node.entries) {
    AxisValues values = read_axis(entry);
    designs *= static_cast<double>(values.axis.values.size());
    if (designs > kMostDesigns)
      throw InputError(entry.where, fmt::format("axes: expected at most {} designs, found {}",
                                                kMostDesigns, designs));
    sweep.axes.push_back(std::move(values.axis));
    sweep.axis_settings.push_back(std::move(values.settings));
  }
}

std::string formula_of(const YamlNode& node, const std::string& path) {
  if (node.kind != YamlNode::Kind::kScalar) refuse(node, path, "a formula");
  return node.text;
}

void read_derived(const YamlNode& node, SweepFile& sweep) {
  if (node.kind != YamlNode::Kind::kMapping)
    refuse(node, "derived", "a mapping of keys to formulas");
  for (const YamlEntry& entry : node.entries) {
    const ConfigKey key(entry.key, entry.where);
    if (!key.key().keys.empty())
      throw InputError(entry.where, entry.key + ": expected a key with a number, found a mapping");
    sweep.derived.push_back({entry.key, formula_of(entry.value, entry.key), entry.value.where});
  }
}

void read_constraints(const YamlNode& node, SweepFile& sweep) {
  if (node.kind != YamlNode::Kind::kList) refuse(node, "constraints", "a list of formulas");
  for (std::size_t i = 0; i < node.items.size(); ++i)
    sweep.constraints.push_back(
        {"", formula_of(node.items[i], fmt::format("constraints[{}]", i)), node.items[i].where});
}

void read_objectives(const YamlNode& node, SweepFile& sweep) {
  const std::vector<std::string> names(kObjectiveNames.begin(), kObjectiveNames.end());
  if (node.kind != YamlNode::Kind::kList || node.items.empty())
    refuse(node, "objectives", fmt::format("a list of {}", fmt::join(names, ", ")));
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string path = fmt::format("objectives[{}]", i);
    const std::string name = read_choice(node.items[i], path, names);
    const auto objective =
        static_cast<Objective>(std::find(names.begin(), names.end(), name) - names.begin());
    if (std::count(sweep.objectives.begin(), sweep.objectives.end(), objective) > 0)
      throw InputError(node.items[i].where, path + ": '" + name + "' is given twice");
    sweep.objectives.push_back(objective);
  }
}

std::vector<Key> workload_keys(SweepWorkload& workload) {
  NumberRange above_zero;
  above_zero.least_included = false;
  return {required(text("name", workload.name, "what the workload is called")),
          number("weight", workload.weight, above_zero, "",
                 "of its time, energy and cost in the sums over workloads"),
          own_key("set", "mapping of keys to values", "what it sets beside the design's keys",
                  [&](const YamlNode& node, const std::string& path) {
                    if (node.kind != YamlNode::Kind::kMapping)
                      refuse(node, path, "a mapping of keys to values");
                    for (const YamlEntry& entry : node.entries)
                      workload.settings.push_back(setting_of(entry));
                  })};
}

std::vector<Key> price_keys(Prices& prices) {
  NumberRange above_zero;
  above_zero.least_included = false;
  return {number("usd_per_kwh", prices.usd_per_kwh, NumberRange{}, "USD", "price of electricity"),
          number("usd_per_mm2", prices.usd_per_mm2, NumberRange{}, "USD", "price of silicon"),
          number("lifetime_hours", prices.lifetime_hours, above_zero, "hours",
                 "that the machine works in its life")};
}

std::vector<Key> fpga_keys(SweepFpga& fpga) {
  std::vector<std::string> targets;
  for (const FpgaFit& fit : fpga_fits()) targets.push_back(fit.target);
  return {required(choice("target", fpga.target, targets, "its family")),
          required(text("part", fpga.part_name, "which of the family"))};
}

std::vector<Key> search_keys(SweepFile& sweep) {
  NumberRange tolerance;
  tolerance.most = 1;
  return {
      choice_of("method", sweep.method,
                {SearchMethod::kBound, SearchMethod::kRandom, SearchMethod::kHalton,
                 SearchMethod::kNsga2, SearchMethod::kAll},
                "which designs get an exact run"),
      number("tolerance", sweep.tolerance, tolerance, "",
             "designs are skipped that are better than one that was run by at most this share"),
      integer("round", sweep.round, {1, 1 << 20}, "designs", "that are run between two decisions"),
      integer("seed", sweep.seed, IntegerRange{}, "", "of what is random")};
}

std::vector<Key> stop_keys(SweepFile& sweep) {
  NumberRange above_zero;
  above_zero.least_included = false;
  return {integer("runs", sweep.most_runs, {1}, "designs", "that are run at most"),
          number("seconds", sweep.most_seconds, above_zero, "s", "after which no round begins")};
}

std::vector<Key> sweep_keys(SweepFile& sweep) {
  const auto reads = [&sweep](void (*read)(const YamlNode&, SweepFile&)) {
    return [&sweep, read](const YamlNode& node, const std::string&) { read(node, sweep); };
  };
  return {
      text("name", sweep.name, "name in reports"),
      path("configuration", sweep.configuration, "of all designs"),
      list("workloads", sweep.workloads, "that each design is run with", workload_keys),
      required(own_key("axes", "mapping", "keys and their values", reads(read_axes))),
      own_key("derived", "mapping", "keys that follow from the axes", reads(read_derived)),
      own_key("constraints", "list", "what holds for a design", reads(read_constraints)),
      required(own_key("objectives", "list", "what is made small", reads(read_objectives))),
      mapping("fpga", "what the machines are to be put on", fpga_keys(sweep.fpga)),
      mapping("prices", "of cost_of_a_step", price_keys(sweep.prices)),
      mapping("search", "how designs are chosen", search_keys(sweep)),
      mapping("stop", "when the sweep ends; left out: when its front is proved", stop_keys(sweep))};
}

// ---- what no single key can know ----

SourceLocation place_of_entry(const YamlNode& root, const std::string& section,
                              const std::string& key) {
  const YamlNode* node = find(root, section);
  if (node == nullptr) return root.where;
  for (const YamlEntry& entry : node->entries)
    if (entry.key == key) return entry.where;
  return node->where;
}

void check_axes(const SweepFile& sweep, const YamlNode& root) {
  if (sweep.axes.empty())
    throw InputError(sweep.axes_place, "axes: expected at least one axis, found none");
  for (const SweepExpression& derived : sweep.derived)
    for (const SweepAxis& axis : sweep.axes)
      if (is_or_holds(derived.path, axis.path))
        throw InputError(place_of_entry(root, "derived", derived.path),
                         derived.path + ": is an axis, and cannot be derived, too");
}

void check_overrides(const SweepFile& sweep, const std::string& setting,
                     const SourceLocation& where, bool comes_later) {
  const std::string path = setting.substr(0, setting.find('='));
  const auto meets = [&](const std::string& design_path) {
    return comes_later ? is_or_holds(path, design_path)
                       : is_or_holds(path, design_path) || is_or_holds(design_path, path);
  };
  const auto refuse_path = [&](const std::string& own, const char* what) {
    if (meets(own))
      throw InputError(where, fmt::format("{}: expected no key that the designs set, but {} is {}",
                                          path, own, what));
  };
  for (const SweepAxis& axis : sweep.axes) refuse_path(axis.path, "an axis");
  for (const SweepExpression& derived : sweep.derived) refuse_path(derived.path, "derived");
}

void check_workloads(SweepFile& sweep, const YamlNode& root) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < sweep.workloads.size(); ++i) {
    const YamlNode& node = find(root, "workloads")->items[i];
    const SweepWorkload& workload = sweep.workloads[i];
    if (!names.insert(workload.name).second)
      throw InputError(
          find(node, "name")->where,
          fmt::format("workloads[{}].name: '{}' is given twice", i, excerpt(workload.name)));
    for (std::size_t s = 0; s < workload.settings.size(); ++s)
      check_overrides(sweep, workload.settings[s], find(node, "set")->entries[s].where, true);
  }
  if (sweep.workloads.empty()) sweep.workloads.push_back({"step", 1, {}});
}

bool names_objective(const SweepFile& sweep, Objective objective) {
  return std::count(sweep.objectives.begin(), sweep.objectives.end(), objective) > 0;
}

void check_fpga(SweepFile& sweep, const YamlNode& root) {
  const YamlNode* node = find(root, "fpga");
  if (node == nullptr) {
    for (const Objective objective : sweep.objectives)
      if (is_of_fpga(objective))
        throw InputError(find(root, "objectives")->where,
                         fmt::format("objectives: {} needs an FPGA, and the key 'fpga' is missing",
                                     kObjectiveNames[static_cast<std::size_t>(objective)]));
    return;
  }
  SweepFpga& fpga = sweep.fpga;
  for (const FpgaFit& fit : fpga_fits())
    if (fit.target == fpga.target) fpga.fit = &fit;
  fpga.family = fpga_family(fpga.target);
  std::vector<std::string> names;
  for (const FpgaPart& part : fpga.family->parts) names.emplace_back(part.name);
  const std::string name = read_choice(*find(*node, "part"), "fpga.part", names);
  const auto place = std::find(names.begin(), names.end(), name) - names.begin();
  fpga.part = &fpga.family->parts[static_cast<std::size_t>(place)];
}

void check_prices(const SweepFile& sweep, const YamlNode& root) {
  if (!names_objective(sweep, Objective::kCostOfAStep)) return;
  const YamlNode* prices = find(root, "prices");
  for (const char* key : {"usd_per_kwh", "usd_per_mm2", "lifetime_hours"})
    if (prices == nullptr || find(*prices, key) == nullptr)
      throw InputError(
          prices == nullptr ? find(root, "objectives")->where : prices->where,
          fmt::format("prices: the key '{}' is missing, which cost_of_a_step needs", key));
}

// Energy is priced by a table: the configuration's, or one that is set.
void check_energy(const SweepFile& sweep, const YamlNode& root) {
  const bool needed = names_objective(sweep, Objective::kEnergy) ||
                      names_objective(sweep, Objective::kJoulesPerToken) ||
                      names_objective(sweep, Objective::kCostOfAStep);
  if (!needed) return;
  const auto sets_energy = [](const std::string& path) { return is_or_holds("energy", path); };
  for (const SweepAxis& axis : sweep.axes)
    if (sets_energy(axis.path)) return;
  for (const SweepWorkload& workload : sweep.workloads)
    for (const std::string& setting : workload.settings)
      if (sets_energy(setting.substr(0, setting.find('=')))) return;
  const Config config = load_config(sweep.configuration, sweep.settings);
  if (config.energy.actions.empty() && !config.energy.gates)
    throw InputError(find(root, "objectives")->where,
                     "objectives: energy needs a table of energies, and neither the configuration "
                     "nor an axis gives 'energy'");
}

void check_method(const SweepFile& sweep, const YamlNode& root) {
  const bool proves = sweep.method == SearchMethod::kBound || sweep.method == SearchMethod::kAll;
  if (!proves && sweep.most_runs == 0 && sweep.most_seconds == 0)
    throw InputError(find(*find(root, "search"), "method")->where,
                     fmt::format("search.method: {} proves nothing, so that it needs 'stop' with "
                                 "runs or seconds",
                                 name_of(sweep.method)));
}

void check_configuration(const SweepFile& sweep, const YamlNode& root) {
  if (sweep.configuration.empty()) return;
  std::ifstream in(sweep.configuration);
  std::error_code ignored;
  if (in && !std::filesystem::is_directory(sweep.configuration, ignored)) return;
  throw InputError(find(root, "configuration")->where,
                   "configuration: '" + sweep.configuration + "' cannot be read");
}

// What holds a mapping comes before what lies below it.
void by_depth(std::vector<std::string>& settings) {
  const auto depth = [](const std::string& setting) {
    return std::count(setting.begin(),
                      setting.begin() + static_cast<std::ptrdiff_t>(setting.find('=')), '.');
  };
  std::stable_sort(settings.begin(), settings.end(),
                   [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
}

}  // namespace

const char* name_of(SearchMethod method) {
  switch (method) {
    case SearchMethod::kBound:
      return "bound";
    case SearchMethod::kRandom:
      return "random";
    case SearchMethod::kHalton:
      return "halton";
    case SearchMethod::kNsga2:
      return "nsga2";
    case SearchMethod::kAll:
      return "all";
  }
  return "";  // not reached: every method stands above
}

std::size_t SweepFile::designs() const {
  std::size_t product = 1;
  for (const SweepAxis& axis : axes) product *= axis.values.size();
  return product;
}

std::vector<std::size_t> SweepFile::places_of(std::size_t design) const {
  std::vector<std::size_t> places(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    places[i] = design % axes[i].values.size();
    design /= axes[i].values.size();
  }
  return places;
}

std::size_t SweepFile::design_of(const std::vector<std::size_t>& places) const {
  std::size_t design = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) design = design * axes[i].values.size() + places[i];
  return design;
}

SweepFile load_sweep(const std::string& path, const std::vector<std::string>& settings) {
  SweepFile sweep;
  sweep.file = path;
  sweep.name = std::filesystem::path(path).stem().string();
  sweep.settings = settings;
  const YamlNode root = parse_yaml(read_yaml_file(path, {path, 0, 0}), path);
  if (root.kind != YamlNode::Kind::kMapping) refuse(root, "", "a mapping");
  read_mapping(sweep_keys(sweep), root, "");
  check_axes(sweep, root);
  check_configuration(sweep, root);
  check_workloads(sweep, root);
  for (const std::string& setting : settings)
    check_overrides(sweep, setting, {"--set " + excerpt(setting), 0, 0}, false);
  check_fpga(sweep, root);
  check_prices(sweep, root);
  check_energy(sweep, root);
  check_method(sweep, root);
  sweep.rules = std::make_shared<const SweepRules>(sweep);
  return sweep;
}

std::vector<std::string> settings_of(const SweepFile& sweep, std::size_t design) {
  const std::vector<std::size_t> places = sweep.places_of(design);
  std::vector<std::string> settings;
  for (std::size_t i = 0; i < places.size(); ++i)
    settings.push_back(sweep.axis_settings[i][places[i]]);
  const std::vector<double> derived = sweep.rules->derived(places);
  for (std::size_t i = 0; i < derived.size(); ++i)
    settings.push_back(sweep.derived[i].path + "=" + number_text(derived[i]));
  by_depth(settings);
  return settings;
}

std::vector<std::string> with_settings(const SweepFile& sweep, std::vector<std::string> own,
                                       std::size_t workload) {
  by_depth(own);
  std::vector<std::string> all = sweep.settings;
  all.insert(all.end(), own.begin(), own.end());
  const std::vector<std::string>& its = sweep.workloads.at(workload).settings;
  all.insert(all.end(), its.begin(), its.end());
  return all;
}

Config config_of(const SweepFile& sweep, std::size_t design, std::size_t workload) {
  return load_config(sweep.configuration,
                     with_settings(sweep, settings_of(sweep, design), workload));
}

std::string run_line_of(const SweepFile& sweep, std::size_t design, std::size_t workload) {
  std::string line = "corank run";
  if (!sweep.configuration.empty()) line += " " + shell_word(sweep.configuration);
  line += " --fidelity cycle";
  for (const std::string& setting : with_settings(sweep, settings_of(sweep, design), workload))
    line += " --set " + shell_word(setting);
  return line;
}

}  // namespace corank
