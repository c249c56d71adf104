#include "host/sweep/design_configs.h"

#include <utility>

#include "host/energy/machine_silicon.h"

namespace corank {
namespace {

// Of configurations that are kept at a time.
constexpr std::size_t kMostBases = 4096;

YamlNode scalar(const std::string& text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = text;
  return node;
}

}  // namespace

ClosedParts::ClosedParts(const Config& config)
    : form(closed_form_of(config)),
      prices(config.energy),
      silicon(known_node(config.energy.node)) {}

DesignConfigs::DesignConfigs(const SweepFile& sweep) : sweep_(sweep) {
  for (std::size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    const std::string& path = sweep.axes[axis].path;
    if (!AdjustableConfig::takes(path)) {
      fixed_axes_.push_back(axis);
      continue;
    }
    Changed changed{path, false, axis, {}};
    for (const std::string& setting : sweep.axis_settings[axis])
      changed.values.push_back(parse_yaml_value(setting.substr(path.size() + 1), ""));
    changed_.push_back(std::move(changed));
  }
  for (std::size_t i = 0; i < sweep.derived.size(); ++i) {
    if (AdjustableConfig::takes(sweep.derived[i].path))
      changed_.push_back({sweep.derived[i].path, true, i, {}});
    else
      fixed_derived_.push_back(i);
  }
}

DesignConfigs::Base& DesignConfigs::base_of(const std::vector<std::size_t>& places,
                                            const std::vector<double>& derived,
                                            std::size_t workload) {
  std::vector<double> key = {static_cast<double>(workload)};
  for (const std::size_t axis : fixed_axes_) key.push_back(static_cast<double>(places[axis]));
  for (const std::size_t i : fixed_derived_) key.push_back(derived[i]);
  const auto found = bases_.find(key);
  if (found != bases_.end()) return found->second;
  if (bases_.size() >= kMostBases) bases_.clear();
  Base& base = bases_[key];
  std::vector<std::string> own;
  for (const std::size_t axis : fixed_axes_)
    own.push_back(sweep_.axis_settings[axis][places[axis]]);
  for (const std::size_t i : fixed_derived_)
    own.push_back(sweep_.derived[i].path + "=" + number_text(derived[i]));
  try {
    base.config = std::make_unique<AdjustableConfig>(
        load_config(sweep_.configuration, with_settings(sweep_, own, workload)));
    for (const Changed& changed : changed_)
      base.setters.push_back(base.config->setter_of(changed.path));
  } catch (const InputError&) {
    base.config.reset();  // it may be right with the accelerator of a design
  }
  return base;
}

DesignConfigs::Design DesignConfigs::of(const std::vector<std::size_t>& places,
                                        const std::vector<double>& derived, std::size_t workload) {
  Base& base = base_of(places, derived, workload);
  if (base.config) {
    for (std::size_t i = 0; i < changed_.size(); ++i) {
      const Changed& changed = changed_[i];
      if (changed.derived)
        base.setters[i](scalar(number_text(derived[changed.place])), changed.path);
      else
        base.setters[i](changed.values[places[changed.place]], changed.path);
    }
    base.config->check();
    if (!base.closed) base.closed.emplace(base.config->config());
    return {base.config->config(), *base.closed};
  }
  own_ = config_of(sweep_, sweep_.design_of(places), workload);
  own_closed_.emplace(own_);
  return {own_, *own_closed_};
}

}  // namespace corank
