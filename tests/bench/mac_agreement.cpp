#include "tests/bench/mac_agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "models/base/numerics.h"
#include "tests/bench/clocks.h"
#include "tests/rtl/arithmetic/mac_comparison.h"

namespace corank::bench {

std::vector<Result> mac_agreement(std::uint64_t count, std::uint64_t seed) {
  const FloatEnvironment environment;
  MacComparison comparison;
  Random random(seed);
  const double start = cpu_seconds();
  constexpr std::uint64_t kBlock = 4096;  // so that the branches of a generator are predicted
  for (std::uint64_t done = 0; done < count; done += kBlock) {
    const Region region = kRegions[done / kBlock % std::size(kRegions)];
    for (std::uint64_t i = std::min(kBlock, count - done); i > 0; --i) {
      comparison.add(random_mac_operands(region, random));
    }
  }
  comparison.finish();
  const double seconds = cpu_seconds() - start;
  const auto operands = static_cast<double>(comparison.count());
  return {{"MAC, RTL = host float: mismatches", static_cast<double>(comparison.mismatches()), "",
           Result::Bar::AtMost, 0, fmt::format("of {} operands, seed {}", count, seed)},
          {"MAC, RTL = host float: rate", operands / seconds / 1e6, "million/CPU s",
           Result::Bar::None, 0, "drawing the operands included"}};
}

}  // namespace corank::bench
