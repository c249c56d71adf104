// A step of many equal layers from a simulation of a few. The first layers, two in the middle and
// the last are simulated one after another; what came between two of the middle is then put in for
// each of the rest. A figure of such a run is an estimate, and is called that: "layers repeated".
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "host/config/config.h"
#include "host/report/report.h"
#include "host/run/measurement.h"
#include "host/run/simulate.h"
#include "models/graph/layer_step.h"

namespace corank {

/// A list of layers that is one group of them, `times` times.
struct LayerRepetition {
  std::size_t group = 0;
  std::size_t times = 0;
};

/// The shortest group; nullopt if nothing repeats. Layers are equal if they have the same sizes.
std::optional<LayerRepetition> find_repetition(const std::vector<LayerStep>& layers);

/// Groups that are simulated: the first, two in the middle, the last.
inline constexpr std::size_t kSimulatedGroups = 4;

/// A step of so many groups, with snapshots after the passes of three of them. Throws InputError
/// if fewer than five groups repeat, if those in the middle are not carried out one like the other,
/// or if the whole step would not fit the device memory.
struct RepeatedStep {
  LayerRepetition repetition;
  PreparedStep prepared;
};
RepeatedStep prepare_repeated(const Config& config, Workload workload);

/// What the whole step comes to: all counts that the simulated groups came to and, for each group
/// that was left out, the mean of the two in the middle, with their updates behind
/// the last product if they found no place beside one. Counts that do not depend on time are
/// exact. The transfers before and after the step grow with the number of groups. Lists
/// have an entry for every layer of the whole.
StepMeasurement extrapolate(const Config& config, const RepeatedStep& step,
                            const StepMeasurement& measured,
                            const std::vector<PlatformSnapshot>& snapshots);

/// By how much the two in the middle differ, and what that is of the whole.
LayersRepeated repetition_report(const RepeatedStep& step,
                                 const std::vector<PlatformSnapshot>& snapshots,
                                 const StepMeasurement& whole);

}  // namespace corank
