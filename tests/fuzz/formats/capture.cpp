// Captured layers, some with values that are no numbers.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"
#include "tests/host/capture/small_capture.h"

namespace corank::fuzz {

Input make_capture(Random& random) {
  Settings settings = small_step(random);
  settings.erase("workload.shapes.tokens");
  settings.erase("workload.shapes.layers");
  settings["workload.capture"] = "layer.safetensors";
  test::SmallLayer layer;
  layer.tokens = draw::between(random, 1, 9);
  layer.in = draw::between(random, 1, 9);
  layer.out = draw::between(random, 1, 9);
  layer.rank = draw::int_between(random, 1, 5);
  layer.seed = random() % 1000;
  Input input = run_of(settings);
  input.files["layer.safetensors"] = to_bytes(test::small_capture(layer));
  if (percent(random, 90)) mutate_files(random, input, "layer");
  return input;
}

}  // namespace corank::fuzz
