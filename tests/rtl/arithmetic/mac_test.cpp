// The RTL's multiply-accumulate is the host's float multiplication followed by its float addition.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "Vmac_lanes.h"
#include "models/base/numerics.h"
#include "tests/rtl/arithmetic/mac_comparison.h"
#include "verilated.h"

namespace corank {
namespace {

std::string describe(const MacComparison& comparison) {
  if (comparison.mismatches() == 0) {
    return "no mismatch";
  }
  const MacComparison::Mismatch& first = comparison.first();
  return fmt::format("first mismatch: {:08X} + {:04X} * {:04X}: expected {:08X}, found {:08X}",
                     first.operands.sum, first.operands.a, first.operands.b, first.expected,
                     first.found);
}

}  // namespace

TEST_CASE("MAC: values worked out by hand") {
  struct Case {
    const char* what;
    std::uint32_t sum;
    std::uint16_t a, b;
    std::uint32_t expected;
  };
  const Case cases[] = {
      {"0.5 + 1.5 * 2 = 3.5", 0x3F000000, 0x3FC0, 0x4000, 0x40600000},
      {"1 + 2^-24 is a tie and stays even", 0x3F800000, 0x3980, 0x3980, 0x3F800000},
      {"1 + 2^-23 + 2^-24 is a tie and becomes even", 0x3F800001, 0x3980, 0x3980, 0x3F800002},
      {"1 + 2^-24 (1 + 2^-7) is above the tie", 0x3F800000, 0x3981, 0x3980, 0x3F800001},
      {"1 - 2^-25 is a tie below a power of two", 0x3F800000, 0xB980, 0x3900, 0x3F800000},
      {"1 - 2^-24 is exact", 0x3F800000, 0xB980, 0x3980, 0x3F7FFFFF},
      {"max + 2^103 rounds to infinity", 0x7F7FFFFF, 0x7300, 0x3F80, 0x7F800000},
      {"2^127 * 2 overflows before the sum", 0xFF7FFFFF, 0x7F00, 0x4000, 0x7F800000},
      {"2^-126 * 0.5 is zero before the sum", 0x80800000, 0x0080, 0x3F00, 0x80800000},
      {"2^-126 * 1 is normal", 0x00000000, 0x0080, 0x3F80, 0x00800000},
      {"a sum of 2^-149 is flushed", 0x00800001, 0x8080, 0x3F80, 0x00000000},
      {"a sum of -2^-149 keeps its sign", 0x80800001, 0x0080, 0x3F80, 0x80000000},
      {"a subnormal operand is zero", 0x00000000, 0x007F, 0x7F00, 0x00000000},
      {"a subnormal sum is zero", 0x007FFFFF, 0x0000, 0x3F80, 0x00000000},
      {"1 - 1 = +0", 0xBF800000, 0x3F80, 0x3F80, 0x00000000},
      {"-0 + -0 * 1 = -0", 0x80000000, 0x8000, 0x3F80, 0x80000000},
      {"+0 + -0 * 1 = +0", 0x00000000, 0x8000, 0x3F80, 0x00000000},
      {"0 * infinity", 0x3F800000, 0x0000, 0x7F80, 0x7FC00000},
      {"a subnormal * infinity", 0x3F800000, 0x0001, 0xFF80, 0x7FC00000},
      {"infinity - infinity", 0xFF800000, 0x7F80, 0x3F80, 0x7FC00000},
      {"infinity + infinity", 0xFF800000, 0xFF80, 0x3F80, 0xFF800000},
      {"a negative signalling NaN", 0xFF800001, 0x3F80, 0x3F80, 0x7FC00000},
      {"a NaN operand", 0x3F800000, 0xFFC1, 0x3F80, 0x7FC00000},
  };
  Vmac_lanes model;
  for (const Case& c : cases) {
    INFO(c.what);
    model.operands_i[0] = std::uint32_t{c.a} << 16 | c.b;
    model.addend_i[0] = c.sum;
    model.eval();
    CHECK(fmt::format("{:08X}", model.sum_o[0]) == fmt::format("{:08X}", c.expected));
  }
}

TEST_CASE("MAC equals the host on all combinations of corners") {
  const FloatEnvironment environment;
  MacComparison comparison;
  const std::vector<std::uint16_t> operands = bf16_corners();
  for (const std::uint32_t sum : fp32_corners()) {
    for (const std::uint16_t a : operands) {
      for (const std::uint16_t b : operands) {
        comparison.add({a, b, sum});
      }
    }
  }
  comparison.finish();
  INFO(describe(comparison));
  CHECK(comparison.count() == fp32_corners().size() * operands.size() * operands.size());
  CHECK(comparison.mismatches() == 0);
}

TEST_CASE("MAC equals the host on random operands") {
  const FloatEnvironment environment;
  Random random(Catch::rngSeed());
  for (const Region region : kRegions) {
    MacComparison comparison;
    for (int i = 0; i < 2'000'000; ++i) {
      comparison.add(random_mac_operands(region, random));
    }
    comparison.finish();
    INFO("--rng-seed " << Catch::rngSeed() << ", " << name_of(region));
    INFO(describe(comparison));
    CHECK(comparison.mismatches() == 0);
  }
}

}  // namespace corank
