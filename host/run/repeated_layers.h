// A step of many equal layers from a simulation of a few. The first layers, two in the middle and
// the last are simulated one after another, more of the first ones where the two in the middle are
// not alike; what came between two of the middle is then taken for each of the rest (extrapolated).
// A figure of such a run is an estimate, and is called that: "layers repeated".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/config/config.h"
#include "host/report/report.h"
#include "host/run/measurement.h"
#include "host/run/simulate.h"

namespace corank {

/// A list of layers that is one group of them, `times` times.
struct LayerRepetition {
  std::size_t group = 0;
  std::size_t times = 0;
};

/// The shortest group; nullopt if nothing repeats. Layers are equal if they have the same sizes.
std::optional<LayerRepetition> find_repetition(const std::vector<LinearLayer>& layers);

/// Groups that are simulated: the first ones, two in the middle among them, and the last; so many
/// at least.
inline constexpr std::size_t kLeastSimulatedGroups = 4;

/// A step of `simulated` groups, with snapshots after the passes of three of them.
struct RepeatedStep {
  LayerRepetition repetition;
  std::size_t simulated = kLeastSimulatedGroups;
  std::uint64_t memory_bytes = 0;  // of device memory, for the step of all groups
  PreparedStep prepared;
  std::map<std::string, std::size_t> layers;  // by value, of the simulated ones
};

/// Throws InputError if the configuration is not one step of one micro-batch.
void check_repeated(const Config& config);

/// Simulates as few groups as it takes until the two in the middle are alike: what it makes to the
/// whole step which of them stands for those left out is at most 1 %. Throws InputError if fewer
/// than five groups repeat, if those in the middle are not carried out one like the other, or do
/// not come to be alike, or if the whole step would not fit the device memory.
std::pair<RepeatedStep, Simulated> simulate_repeated(const Config& config,
                                                     const RunOptions& options,
                                                     const Workload& workload);

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
