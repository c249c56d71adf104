// Random cycles of a module and its netlist side by side (beside_gates.sv), until they differ.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/rtl/command/clocked.h"
#include "tests/rtl/memory/seed.h"

namespace corank::test {

class RandomInputs {
 public:
  explicit RandomInputs(unsigned seed) : random_(seed) {}

  std::uint64_t bits(unsigned width) { return random_() >> (64 - width); }
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool one_in(unsigned count) { return below(count) == 0; }

  /// Mostly a normal value, sometimes any bits or one of the numbers that are no plain numbers.
  std::uint32_t fp32() {
    if (one_in(16)) return static_cast<std::uint32_t>(bits(32));
    if (one_in(16)) {
      static constexpr std::uint32_t kSpecial[] = {0,          0x80000000, 0x7f800000, 0xff800000,
                                                   0x7fc00000, 0x00000001, 0x7f7fffff, 0x3f800000};
      return kSpecial[below(8)];
    }
    const float value = normal_(random_);
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
  }
  std::uint16_t bf16() { return static_cast<std::uint16_t>(fp32() >> 16); }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
};

/// `drive` sets the inputs of a cycle but reset. The exit status of a program: 0, 1 if an output
/// differed, with the cycle and the seed that replays it.
template <class Module, class Drive>
int compare_with_gates(const char* name, const Drive& drive, int argc, char** argv) {
  const long cycles = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  const unsigned seed = new_seed();
  RandomInputs random(seed);
  Clocked<Module> bench;
  bench.reset();
  long changes = 0;
  auto before = bench->output_o;
  for (long cycle = 0; cycle < cycles; ++cycle) {
    bench->rst_ni = !random.one_in(2000);
    drive(*bench.module, random);
    bench.settle();
    if (bench->different_o) {
      std::printf("%s: gates differ from the RTL in cycle %ld; replay: CORANK_SEED=%u %s %ld\n",
                  name, cycle, seed, argv[0], cycles);
      return 1;
    }
    changes += std::memcmp(&before, &bench->output_o, sizeof before) != 0;
    before = bench->output_o;
    bench.tick();
  }
  std::printf("%s: 0 mismatches in %ld random cycles, seed %u; outputs changed in %ld\n", name,
              cycles, seed, changes);
  if (changes * 10 < cycles) {
    std::printf("%s: outputs changed in less than a tenth of the cycles\n", name);
    return 1;
  }
  return 0;
}

}  // namespace corank::test
