// What is known of a sweep's designs before anything is compiled: whether they are legal, what
// their machines cost, and lower bounds of what they come to.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
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
  /// Valid until the next call. Throws InputError where it has none.
  DesignConfigs::Design design_of(std::size_t design, std::size_t workload);
  /// The reason why a design breaks a constraint that needs its device memory; "": none is broken.
  std::string broken_when_compiled(std::size_t design, double device_bytes);

  /// What its machine takes of the sweep's FPGA; 0 where there is none.
  FpgaFigures fpga_of(const Config& config) const;

  /// What the energies of its machine are scaled by.
  const MachineSilicon& silicon_of(const Config& config);

  std::vector<double> weights() const;

 private:
  using MachineKey = std::array<int, kMachineParameters.size() + 1>;
  static MachineKey key_of(const Config& config);
  std::string reason_of(std::size_t constraint) const;
  /// Of what the FPGA has too little for the machine; "": of nothing.
  std::string unfit_reason(const Config& config, const FpgaFigures& fpga) const;

  const SweepFile& sweep_;
  DesignConfigs configs_;
  std::optional<MachineKey> silicon_key_;
  MachineSilicon silicon_;  // of the machine that was asked for last
};

/// A reason with its numbers taken out, but for those of a constraint: the same for designs that
/// are wrong alike.
std::string kind_of_reason(const std::string& reason);

/// Lower bounds of these objectives, less what rounding may have added to them.
std::vector<double> bounds_of(const SweepFile& sweep, const std::vector<StepFigures>& steps,
                              const std::vector<double>& weights);

}  // namespace corank
