// Machines, memories, links, compilers' limits and layers within the schema's ranges: each is
// refused for what the parts are together, or runs, and its results are right.
#include <string>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_machine(Random& random) {
  Settings settings = small_step(random);
  for (const SchemaKey& key : schema_keys()) {
    const bool belongs =
        key.path.rfind("accelerator.", 0) == 0 || key.path.rfind("link.", 0) == 0 ||
        key.path.rfind("compiler.", 0) == 0 || key.path.rfind("verification.stalls.", 0) == 0 ||
        key.path == "memory.latency_ns" || key.path == "memory.bandwidth_gb_per_s" ||
        key.path == "workload.weights" || key.path == "workload.stream_tiles";
    // Every key drawn at once fits together too seldom.
    if (belongs && percent(random, 25)) settings[key.path] = draw_value(random, key.type, 100);
  }
  if (percent(random, 20)) {
    settings.erase("memory.size_mib");
    settings.erase("memory.latency_ns");
    settings.erase("memory.bandwidth_gb_per_s");
    constexpr const char* kDevices[] = {"ddr4-2400", "ddr4-3200", "hbm2", "lpddr4-3200",
                                        "lpddr5-6400"};
    settings["memory"] = std::string(CORANK_SOURCE) + "/configs/memory/" +
                         kDevices[random() % std::size(kDevices)] + ".yaml";
  }
  return run_of(settings);
}

}  // namespace corank::fuzz
