// random_machine SEED NUMBER: prints a random accelerator as one setting for `corank verify --set`,
// the same one for the same seed and number. For scripts/verify-long.
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "host/config/config.h"
#include "host/run/simulate.h"
#include "host/verify/draw.h"
#include "models/base/error.h"
#include "models/program/linear_layers.h"
#include "tests/end_to_end/random_setup.h"

namespace {

using namespace corank;

// Whether it is a machine, and one with room for more than the very smallest layers.
bool fits(const std::string& setting) {
  LinearLayer step;
  step.tokens = step.in = step.out = 24;
  step.lora.rank = 4;
  step.has_bias = true;
  try {
    Config config = load_config("", {setting});
    config.compiler.rehearse = false;
    compile_for(config, linear_layers({step}));
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
    setting = test::draw_accelerator(random);
  } while (!fits(setting));
  if (draw::chance(random, 8)) setting.insert(setting.size() - 1, ", decoder: 0");
  fmt::print("{}\n", setting);
}
