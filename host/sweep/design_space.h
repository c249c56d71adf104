// What is known of a sweep's designs before anything is compiled: whether they are legal, what
// their machines cost, and lower bounds of what they come to.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/sweep/design_configs.h"
#include "host/sweep/objectives.h"
#include "host/sweep/sweep_file.h"
#include "host/sweep/sweep_rules.h"

namespace corank {

class DesignSpace {
 public:
  explicit DesignSpace(const SweepFile& sweep);

  struct Examined {
    std::string illegal;         // why it is not; "": it is
    std::vector<double> bounds;  // by objective
  };
  Examined examine(std::size_t design);
  /// Throws InputError where it has none.
  const Config& config_of(std::size_t design, std::size_t workload);
  /// The reason why a design breaks a constraint that needs its device memory; "": none is broken.
  std::string broken_when_compiled(std::size_t design, double device_bytes);

  /// Area and clock of its machine.
  std::pair<double, double> area_and_fmax(const Config& config);
  const MachineSilicon& silicon_of(const Config& config);

  std::vector<double> weights() const;

 private:
  using MachineKey = std::array<int, kMachineParameters.size() + 1>;
  static MachineKey key_of(const Config& config);
  std::string reason_of(std::size_t constraint) const;
  SweepRules::Figures figures_of(const Config& config);

  const SweepFile& sweep_;
  DesignConfigs configs_;
  std::map<MachineKey, std::pair<double, double>> machines_;
  std::optional<MachineKey> silicon_key_;
  MachineSilicon silicon_;  // of the machine that was asked for last
};

/// A reason with its numbers taken out, but for those of a constraint: the same for designs that
/// are wrong alike.
std::string kind_of_reason(const std::string& reason);

}  // namespace corank
