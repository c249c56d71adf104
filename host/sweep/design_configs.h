// The configurations of millions of designs, without reading a file for each: one is read for every
// combination of the axes that are not the accelerator's, and the accelerator is changed in it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/analytic/closed_form.h"
#include "host/analytic/silicon_form.h"
#include "host/config/config.h"
#include "host/config/yaml_tree.h"
#include "host/sweep/sweep_file.h"

namespace corank {

/// What the closed form (host/analytic/closed_form.h) needs of a configuration beside its machine.
struct ClosedParts {
  /// Throws InputError as closed_form_of() does.
  explicit ClosedParts(const Config& config);

  ClosedForm form;
  EnergyPrices prices;
  SiliconForm silicon;  // at the node of the energy table, where that names a known one
};

class DesignConfigs {
 public:
  explicit DesignConfigs(const SweepFile& sweep);

  struct Design {
    const Config& config;  // what config_of() gives, but for the places of what is given
    const ClosedParts& closed;
  };
  /// Valid until the next call. Throws InputError as config_of() and closed_form_of() do.
  Design of(const std::vector<std::size_t>& places, const std::vector<double>& derived,
            std::size_t workload);

 private:
  /// A key that is set in a configuration which is there already.
  struct Changed {
    std::string path;
    bool derived = false;
    std::size_t place = 0;         // among the axes, or the derived keys
    std::vector<YamlNode> values;  // of an axis
  };
  struct Base {
    std::unique_ptr<AdjustableConfig> config;
    std::vector<AdjustableConfig::Set> setters;  // of each changed key
    std::optional<ClosedParts> closed;           // when it was asked for
  };

  Base& base_of(const std::vector<std::size_t>& places, const std::vector<double>& derived,
                std::size_t workload);

  const SweepFile& sweep_;
  std::vector<Changed> changed_;
  std::vector<std::size_t> fixed_axes_, fixed_derived_;  // the others
  std::map<std::vector<double>, Base> bases_;            // by workload and what is fixed
  Config own_;                                           // where there is none to be changed
  std::optional<ClosedParts> own_closed_;
};

}  // namespace corank
