// Hugging Face model folders: config.json, model.safetensors, or shards and their index.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_model(Random& random) {
  Input input = small_training(random);
  if (percent(random, 97)) mutate_files(random, input, "model/");
  return input;
}

}  // namespace corank::fuzz
