// Where a fine-tuning run is, so that another one can go on with it: OUT/state.safetensors holds
// the optimizer's states (F32, by the names of the graph) and, as metadata, how many steps were
// done and what they were steps of. The adapter is that of OUT/adapter.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "host/formats/safetensors.h"
#include "host/run/prepare_finetune.h"

namespace corank {

/// What the two halves of a run have in common: method, optimizer with its schedule, seed, and
/// digests of the frozen parameters as the numerics have them and of the batches.
std::map<std::string, std::string> identity_of(const PreparedFinetune& prepared,
                                               const OptimizerSettings& settings,
                                               std::uint64_t seed);

/// After `steps_done` steps of the whole run; `states` as states_of() gives them.
SafetensorsFile state_file(const PreparedFinetune& prepared, const TensorMap& states,
                           std::int64_t steps_done);

/// The run begins where the state in this file was written. Throws InputError for a file that is no
/// such state, is of another run (model, numerics, method, optimizer, batches, seed) or of another
/// adapter than the one that was read, or leaves no step to do.
void go_on_from(const std::string& path, PreparedFinetune& prepared);

}  // namespace corank
