// A sweep in words: what `corank sweep` says at its end.
#pragma once

#include <string>

#include "host/sweep/sweep_table.h"

namespace corank {

/// As people read it, in ASCII: "17.27 ms", "43.8 mJ", "0.643 mm2". Exports have exact numbers.
std::string objective_text(Objective objective, double value);

/// The front as a table, the designs by what became of them, infeasible ones by reason, and whether
/// the front is proved or how much is open. `commands`: with the `corank run` lines of the front.
std::string to_text(const SweepTable& table, bool commands);

/// Two sweeps with an objective in common: the best of each in it, and what of the front of one the
/// other one beats. Throws InputError if they have none in common.
std::string compare_sweeps(const SweepTable& a, const SweepTable& b);

}  // namespace corank
