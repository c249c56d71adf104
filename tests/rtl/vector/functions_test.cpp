#include <catch2/catch.hpp>

#include "tests/rtl/vector/function_comparison.h"

namespace corank::vector_test {

TEST_CASE("a function of every BF16 number has the reference's bits", "[vector]") {
  const auto all = machines();
  VectorMachine& widest = *all[2];
  for (const test::RecordedFunction& one : test::recorded_functions()) {
    CHECK(difference_on_rtl(widest, one, 65536, [](std::uint64_t i) {
            return static_cast<std::uint32_t>(i << 16);
          }) == "");
  }
}

}  // namespace corank::vector_test
