// What a step of layers given by their sizes takes, before any of it is made.
#pragma once

#include "host/config/config.h"

namespace corank {

/// Throws InputError, at the key that decides, where the layers of workload.shapes do not fit the
/// device memory, or what is kept of them the memory of this computer. What is told is a lower
/// bound; the compiler knows the rest.
void check_step_size(const Config& config);

}  // namespace corank
