// mac_bench [COUNT [SEED]]: compares the verilated MAC with the host's arithmetic on COUNT random
// operands (default 10^9); exit code 1 when a result differs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>

#include "models/base/numerics.h"
#include "tests/rtl/arithmetic/mac_comparison.h"

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000'000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  if (argc > 3 || count == 0) {
    fmt::print(stderr, "usage: mac_bench [COUNT [SEED]], COUNT a positive number\n");
    return 2;
  }

  const corank::FloatEnvironment environment;
  corank::MacComparison comparison;
  corank::Random random(seed);
  const auto start = std::chrono::steady_clock::now();
  // In blocks, so that the branches of a region's generator are predicted.
  constexpr std::uint64_t kBlock = 4096;
  for (std::uint64_t done = 0; done < count; done += kBlock) {
    const corank::Region region = corank::kRegions[done / kBlock % std::size(corank::kRegions)];
    for (std::uint64_t i = std::min(kBlock, count - done); i > 0; --i) {
      comparison.add(corank::random_mac_operands(region, random));
    }
  }
  comparison.finish();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  fmt::print("seed {}: {} operands, {} mismatches, {:.1f} million a second\n", seed,
             comparison.count(), comparison.mismatches(),
             static_cast<double>(comparison.count()) / elapsed.count() / 1e6);
  if (comparison.mismatches() != 0) {
    const corank::MacComparison::Mismatch& first = comparison.first();
    fmt::print("first: {:08X} + {:04X} * {:04X}: expected {:08X}, found {:08X}\n",
               first.operands.sum, first.operands.a, first.operands.b, first.expected, first.found);
    return 1;
  }
  return 0;
}
