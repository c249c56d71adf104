// Layers by their sizes, in a file of their own.
#include <string>

#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {
namespace {

constexpr const char* kItems = "workload.shapes.layers[].";

std::string draw_layer(Random& random) {
  std::string layer = "{in: " + std::to_string(draw::between(random, 1, 20)) +
                      ", out: " + std::to_string(draw::between(random, 1, 20)) +
                      ", rank: " + std::to_string(draw::between(random, 0, 6));
  for (const SchemaKey& key : schema_keys()) {
    const std::string name =
        key.path.rfind(kItems, 0) == 0 ? key.path.substr(std::string(kItems).size()) : "";
    // Many layers take the time of many inputs.
    const bool given = name == "in" || name == "out" || name == "rank" ||
                       (name == "repeat" && percent(random, 95));
    if (!name.empty() && !given && percent(random, 20))
      layer += ", " + name + ": " + draw_value(random, key.type, 90);
  }
  if (percent(random, 20)) layer += ", repeat: " + std::to_string(draw::between(random, 1, 8));
  return layer + "}";
}

}  // namespace

Input make_shapes(Random& random) {
  Settings settings = small_step(random);
  std::string shapes = "tokens: " + settings["workload.shapes.tokens"] + "\n";
  if (percent(random, 20))
    shapes += "repeat: " + std::to_string(draw::between(random, 1, 4)) + "\n";
  if (percent(random, 20)) shapes += "adapters: [q, v]\n";
  shapes += "layers:\n";
  for (int left = draw::int_between(random, 1, 4); left > 0; --left)
    shapes += "  - " + draw_layer(random) + "\n";
  settings.erase("workload.shapes.tokens");
  settings.erase("workload.shapes.layers");
  settings["workload.shapes"] = "shapes.yaml";
  if (percent(random, 20)) {
    settings["workload.layers"] = "repeated";
    settings["values"] = "off";
  }
  Input input = run_of(settings);
  input.files["shapes.yaml"] = shapes;
  if (percent(random, 60)) mutate_files(random, input, "shapes");
  return input;
}

}  // namespace corank::fuzz
