// The input formats that are fuzzed, a file each in formats/.
#pragma once

#include "host/verify/draw.h"
#include "tests/fuzz/input.h"

namespace corank::fuzz {

using draw::Random;

/// Each makes one input, the same one for the same state of `random`. Most of what they make is
/// valid or nearly so, because what is refused by the first check tests nothing behind it.
Input make_configuration(Random& random);  // run configurations, included files, --set
Input make_machine(Random& random);        // machines and layers within the schema's ranges
Input make_shapes(Random& random);         // layers by their sizes
Input make_transformer(Random& random);    // whole models by their sizes
Input make_memory(Random& random);         // DRAM memories and devices
Input make_energy(Random& random);         // energy tables
Input make_capture(Random& random);        // captured layers
Input make_model(Random& random);          // Hugging Face model folders
Input make_packed(Random& random);         // packed weights: folders and GGUF files
Input make_adapter(Random& random);        // PEFT adapter folders
Input make_batches(Random& random);        // token batches
Input make_verification(Random& random);   // what `corank verify` and `corank machine` take
Input make_sweep(Random& random);          // sweeps' files
Input make_store(Random& random);          // folders of sweeps: the runs that are kept

struct Format {
  const char* name;
  Input (*make)(Random& random);
};

constexpr Format kFormats[] = {
    {"configuration", make_configuration},
    {"machine", make_machine},
    {"shapes", make_shapes},
    {"transformer", make_transformer},
    {"memory", make_memory},
    {"energy", make_energy},
    {"capture", make_capture},
    {"model", make_model},
    {"packed", make_packed},
    {"adapter", make_adapter},
    {"batches", make_batches},
    {"verification", make_verification},
    {"sweep", make_sweep},
    {"store", make_store},
};

}  // namespace corank::fuzz
