// Energy tables: those of configs/, with other figures and damaged.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_energy(Random& random) {
  Settings settings = small_step(random);
  settings["energy"] = "table.yaml";
  Input input = run_of(settings);
  input.files["table.yaml"] =
      source_file(percent(random, 50) ? "configs/energy/45nm.yaml" : "configs/energy/7nm.yaml");
  if (percent(random, 90)) mutate_files(random, input, "table");
  return input;
}

}  // namespace corank::fuzz
