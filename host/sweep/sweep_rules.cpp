#include "host/sweep/sweep_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/config/config.h"
#include "host/config/yaml_tree.h"

namespace corank {
namespace {

template <class Names>
std::optional<std::size_t> place_in(const Names& names, const std::string& name, std::size_t most) {
  for (std::size_t i = 0; i < std::min<std::size_t>(most, names.size()); ++i)
    if (name == names[i]) return i;
  return std::nullopt;
}

// `figures`: whether figures could be named.
std::string what_is(const std::string& name, bool figures) {
  const auto fpga = std::find(kObjectiveNames.begin() + kFirstOfFpga, kObjectiveNames.end(), name);
  if (figures && fpga != kObjectiveNames.end()) return "which needs the key 'fpga'";
  try {
    const ConfigKey key(name, {});
  } catch (const InputError&) {
    return "which nothing has";
  }
  return "a key that is neither an axis nor derived";
}

}  // namespace

SweepRules::SweepRules(const SweepFile& sweep) {
  for (const SweepAxis& axis : sweep.axes) {
    axes_.push_back(axis.path);
    numbers_.emplace_back();
    if (!axis.numeric) continue;
    for (const std::string& value : axis.values) numbers_.back().push_back(*number_of(value));
  }
  for (const SweepExpression& derived : sweep.derived) derived_names_.push_back(derived.path);
  figures_.assign(kSweepFigureNames.begin(), kSweepFigureNames.end());
  if (sweep.fpga.part != nullptr)
    figures_.insert(figures_.end(), kObjectiveNames.begin() + kFirstOfFpga, kObjectiveNames.end());
  for (std::size_t i = 0; i < sweep.derived.size(); ++i)
    derived_.push_back(rule_of(sweep.derived[i], sweep.derived[i].path, i, false));
  for (std::size_t i = 0; i < sweep.constraints.size(); ++i)
    constraints_.push_back(rule_of(sweep.constraints[i], fmt::format("constraints[{}]", i),
                                   derived_names_.size(), true));
}

SweepRules::Rule SweepRules::rule_of(const SweepExpression& expression, const std::string& path,
                                     std::size_t derived, bool figures) const {
  Rule rule{Expression(expression.text, path, expression.where), {}, Stage::kKeys};
  const auto refuse_name = [&](const std::string& name, const std::string& why) {
    throw InputError(expression.where,
                     fmt::format("{}: expected names of axes{}{}, found '{}', {}", path,
                                 derived > 0 ? ", of derived keys before it" : "",
                                 figures ? fmt::format(" and {}", fmt::join(figures_, ", ")) : "",
                                 excerpt(name), why));
  };
  for (const std::string& name : rule.expression.names()) {
    if (const auto axis = place_in(axes_, name, axes_.size())) {
      if (numbers_[*axis].empty()) refuse_name(name, "an axis whose values are no numbers");
      rule.sources.push_back({Source::Kind::kAxis, *axis});
    } else if (const auto place = place_in(derived_names_, name, derived)) {
      rule.sources.push_back({Source::Kind::kDerived, *place});
    } else if (const auto figure = place_in(figures_, name, figures ? figures_.size() : 0)) {
      rule.sources.push_back({Source::Kind::kFigure, *figure});
      rule.stage =
          std::max(rule.stage, name == kDeviceBytesName ? Stage::kCompiled : Stage::kMachine);
    } else if (place_in(derived_names_, name, derived_names_.size())) {
      refuse_name(name, "which is derived after it");
    } else {
      refuse_name(name, what_is(name, figures));
    }
  }
  return rule;
}

double SweepRules::evaluate(const Rule& rule, const std::vector<std::size_t>& places,
                            const std::vector<double>& derived, const Figures& figures) const {
  std::vector<double> values(rule.sources.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Source& source = rule.sources[i];
    values[i] = source.kind == Source::Kind::kAxis ? numbers_[source.place][places[source.place]]
                : source.kind == Source::Kind::kDerived ? derived[source.place]
                                                        : figures[source.place];
  }
  return rule.expression.value(values);
}

std::vector<double> SweepRules::derived(const std::vector<std::size_t>& places) const {
  std::vector<double> values;
  values.reserve(derived_.size());
  for (const Rule& rule : derived_) values.push_back(evaluate(rule, places, values, {}));
  return values;
}

std::optional<std::size_t> SweepRules::broken(Stage stage, const std::vector<std::size_t>& places,
                                              const std::vector<double>& derived,
                                              const Figures& figures) const {
  for (std::size_t i = 0; i < constraints_.size(); ++i) {
    if (constraints_[i].stage != stage) continue;
    if (evaluate(constraints_[i], places, derived, figures) == 0) return i;
  }
  return std::nullopt;
}

}  // namespace corank
