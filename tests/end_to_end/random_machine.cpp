// random_machine SEED NUMBER: prints a random accelerator as one setting for `corank verify --set`,
// the same one for the same seed and number. For scripts/verify-long. Small arrays are far more
// frequent than large ones, which take long to build and to simulate.
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>

#include "host/config/config.h"
#include "host/run/simulate.h"
#include "host/verify/draw.h"
#include "models/base/error.h"
#include "models/graph/layer_step.h"

namespace {

using namespace corank;
using draw::int_between;
using draw::one_of;

int draw_size(draw::Random& random) {
  return int_between(random, 1, one_of(random, std::array<int, 8>{3, 4, 5, 8, 9, 9, 16, 32}));
}

std::string draw_machine(draw::Random& random) {
  const int rows = draw_size(random), columns = draw_size(random);
  // The cycles of both are the same; the bit-level one takes long to build and to simulate.
  const bool bit_level = rows * columns <= 40 && draw::chance(random, 2);
  return fmt::format(
      "accelerator={{array: {{rows: {}, columns: {}, mac: {}}}, vector: {{lanes: {}}}, "
      "scratchpad: {{kib: {}, banks: {}}}, accumulator: {{kib: {}, banks: {}}}, axi: {{data_bits: "
      "{}}}, queue_depth: {}}}",
      rows, columns, bit_level ? "bit-level" : "host-float", 1 << int_between(random, 0, 5),
      4 << int_between(random, 0, 6), 8 << int_between(random, 0, 2),
      4 << int_between(random, 0, 6), 4 << int_between(random, 0, 2),
      64 << int_between(random, 0, 3), int_between(random, 1, draw::chance(random, 2) ? 4 : 16));
}

// Whether it is a machine, and one with room for more than the very smallest layers.
bool fits(const std::string& setting) {
  LayerStep step;
  step.tokens = step.in = step.out = 24;
  step.lora.rank = 4;
  step.has_bias = true;
  try {
    Config config = load_config("", {setting});
    config.compiler.rehearse = false;
    compile_for(config, build_layer_step(step));
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "random_machine: expected a seed and a number\n");
    return 2;
  }
  draw::Random random(std::strtoull(argv[1], nullptr, 10) * 1000003 +
                      std::strtoull(argv[2], nullptr, 10));
  std::string setting;
  do {
    setting = draw_machine(random);
  } while (!fits(setting));
  fmt::print("{}\n", setting);
}
