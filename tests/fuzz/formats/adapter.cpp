// PEFT adapter folders: adapter_config.json and adapter_model.safetensors.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_adapter(Random& random) {
  Input input = small_training(random);
  if (percent(random, 97)) mutate_files(random, input, "adapter/");
  return input;
}

}  // namespace corank::fuzz
