// Random layers on both accelerators: every event, transaction, counter and result is equal.
#include <catch2/catch.hpp>
#include <string>

#include "host/verify/run_case.h"
#include "tests/end_to_end/test_machines.h"

namespace corank::test {

TEST_CASE("random layers take the same cycles and give the same results on both") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const auto cases = static_cast<int>(setting("CORANK_CASES", 300));
  const auto first = static_cast<int>(setting("CORANK_FIRST", 0));
  const CaseSource source = test_cases(20000);
  DeviceCount devices;
  RemainderPairs pairs;
  int finite = 0;
  Verified sum;
  for (int number = first; number < first + cases; ++number) {
    const LayerCase layer = make_case(source, seed, number);
    const CompiledCase compiled(layer);
    INFO(describe(layer) << "; replay with CORANK_SEED=" << seed
                         << " CORANK_CASES=1 CORANK_FIRST=" << number);
    const CaseResult result = verify_case(compiled, library_of(layer.config.machine));
    CHECK(result.difference == "");
    sum += result.verified;
    devices.add(layer);
    pairs.add(layer);
    finite += compiled.finite ? 1 : 0;
  }
  CHECK(sum.commands > 0);
  CHECK(sum.transactions > 0);
  CHECK(sum.figures > 0);
  CHECK(sum.result_bytes > 0);
  if (cases >= 300) {
    INFO(devices.text());
    CHECK(devices.devices() >= 5);
    CHECK(devices.least() >= 15);
    CHECK(pairs.missing(source.machines) == 0);
    CHECK(finite * 10 >= cases * 9);
  }
}

}  // namespace corank::test
