// The right inputs that the formats begin with: each a run of some milliseconds.
#pragma once

#include <string>

#include "host/verify/draw.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/schema_values.h"

namespace corank::fuzz {

/// A tiny layer on a tiny machine, with and without values.
Settings small_step(Random& random);

/// All settings in config.yaml, run with the cycle model.
Input run_of(const Settings& settings);

/// Fine-tuning of one of the fixtures, by the reference or on the cycle model: model/, adapter/,
/// batches.safetensors, cut to few micro-batches.
Input small_training(Random& random);

/// Changes files of the input, or none: those whose path has `beginning`. Texts as texts,
/// safetensors as such.
void mutate_files(Random& random, Input& input, const std::string& beginning);

/// The content of a file of the source tree, read once.
const std::string& source_file(const std::string& path);

}  // namespace corank::fuzz
