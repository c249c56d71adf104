// Energy tables: those of configs/, with other figures and damaged.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_energy(Random& random) {
  Settings settings = small_step(random);
  settings["energy"] = "table.yaml";
  Input input = run_of(settings);
  const char* other = percent(random, 50) ? "synthesis" : "7nm";
  const std::string table = percent(random, 50) ? "45nm" : other;
  input.files["table.yaml"] = source_file("configs/energy/" + table + ".yaml");
  if (percent(random, 90)) mutate_files(random, input, "table");
  return input;
}

}  // namespace corank::fuzz
