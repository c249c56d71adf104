#include "tests/bench/function_agreement.h"

#include <fmt/format.h>

#include <random>
#include <string>

#include "tests/bench/clocks.h"
#include "tests/rtl/vector/function_comparison.h"

namespace corank::bench {
namespace {

std::uint32_t drawn(std::mt19937_64& random, std::uint64_t i) {
  const std::uint64_t bits = random();
  const auto word = static_cast<std::uint32_t>(bits);
  if (i % 2 == 0) return word;
  constexpr std::uint32_t kSignAndFraction = 0x807FFFFF, kLeast = 127 - 12, kExponents = 20;
  const auto exponent = kLeast + static_cast<std::uint32_t>(bits >> 32) % kExponents;
  return (word & kSignAndFraction) | exponent << 23;
}

}  // namespace

std::vector<Result> function_agreement(std::uint64_t count, std::uint64_t seed) {
  const auto machines = vector_test::machines();
  vector_test::VectorMachine& widest = *machines[2];
  int differing = 0, all = 0;
  std::string first;
  const double start = cpu_seconds();
  for (const test::RecordedFunction& one : test::recorded_functions()) {
    std::mt19937_64 random(seed);
    const std::string difference = vector_test::difference_on_rtl(
        widest, one, count, [&](std::uint64_t i) { return drawn(random, i); });
    ++all;
    if (difference.empty()) continue;
    ++differing;
    if (first.empty()) first = ": " + difference;
  }
  return {
      {"functions, RTL = reference: differing", static_cast<double>(differing), "",
       Result::Bar::AtMost, 0,
       fmt::format("of {} functions, {} FP32 numbers each, seed {}{}", all, count, seed, first)},
      {"functions, RTL: rate", static_cast<double>(count) * all / (cpu_seconds() - start) / 1e6,
       "million/CPU s", Result::Bar::None, 0, ""}};
}

}  // namespace corank::bench
