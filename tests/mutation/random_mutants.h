// Mutants that nobody wrote down: operators applied at places that a seed draws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/mutation/mutant_list.h"

namespace corank::mutation {

/// `count` mutants of the module, or as many as it has places for; the same seed and text give the
/// same ones. Comments, declarations, checks and code for the simulation only are left alone. A
/// drawn mutant can be equivalent: whoever looks at a survivor decides.
std::vector<Mutant> draw_mutants(const Module& module, const std::string& text, std::uint64_t seed,
                                 int count);

}  // namespace corank::mutation
