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
  const SafetensorsDraft draft = draft_of(test::small_capture(layer));
  input.files["layer.safetensors"] =
      percent(random, 10) ? to_bytes(draft) : mutate_safetensors(random, draft);
  return input;
}

}  // namespace corank::fuzz
