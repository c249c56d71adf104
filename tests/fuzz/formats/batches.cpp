// Token batches.
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {

Input make_batches(Random& random) {
  Input input = small_training(random);
  if (percent(random, 97)) mutate_files(random, input, "batches");
  return input;
}

}  // namespace corank::fuzz
