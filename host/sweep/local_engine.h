// Runs of a sweep in forked processes of this machine.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "host/sweep/engine.h"

namespace corank {

/// Carries out all of the jobs, each in a forked process that keeps what came of it in a segment of
/// its own. A job whose process died, and died again, is kept as failed. Throws MachineError if the
/// disk refuses, or a job's configuration is no longer the one that was planned.
void carry_out_locally(const std::vector<Job>& jobs, const JobContext& context, int workers,
                       const std::function<bool()>& stop,
                       const std::function<void(std::size_t)>& progress);

}  // namespace corank
