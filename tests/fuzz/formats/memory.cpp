// DRAM memories and devices: those of configs/, with other figures and damaged.
#include <array>
#include <string>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_memory(Random& random) {
  constexpr std::array kDevices = {"ddr4-2400", "ddr4-3200", "hbm2", "lpddr4-3200", "lpddr5-6400"};
  Settings settings = small_step(random);
  settings.erase("memory.size_mib");
  settings["memory"] = "memory/memory.yaml";
  const std::string device = std::string(draw::one_of(random, kDevices)) + ".yaml";
  Input input = run_of(settings);
  input.files["memory/memory.yaml"] = source_file("configs/memory/" + device);
  input.files["dram/" + device] = source_file("configs/dram/" + device);
  for (int left = draw::int_between(random, 0, 3); left > 0; --left) {
    const SchemaKey key = draw::one_of(random, schema_keys());
    if (key.path.rfind("memory.", 0) == 0)
      input.arguments.insert(input.arguments.end(),
                             {"--set", key.path + "=" + draw_value(random, key.type, 90)});
  }
  if (percent(random, 60)) mutate_files(random, input, percent(random, 70) ? "dram/" : "memory/");
  return input;
}

}  // namespace corank::fuzz
