// Random transformers on both accelerators, with adapters, over the steps of their training: every
// result of every step is the reference's, every event, transaction and counter is equal.
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "host/verify/run_case.h"
#include "host/verify/transformer_case.h"
#include "tests/end_to_end/test_machines.h"

namespace corank::test {

TEST_CASE("random transformers are bit-exact and take the same cycles on both") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const auto cases = static_cast<int>(setting("CORANK_CASES", 18));
  const auto first = static_cast<int>(setting("CORANK_FIRST", 0));
  const CaseSource source = test_cases(10000);
  Verified sum;
  for (int number = first; number < first + cases; ++number) {
    const TransformerCase transformer = make_transformer_case(source, seed, number);
    const CompiledCase compiled(transformer.drawn(), transformer.program);
    INFO(describe(transformer) << "; replay with CORANK_SEED=" << seed
                               << " CORANK_CASES=1 CORANK_FIRST=" << number);
    const CaseResult result = verify_case(compiled, library_of(transformer.config.machine));
    CHECK(result.difference == "");
    sum += result.verified;
  }
  CHECK(sum.commands > 0);
  CHECK(sum.transactions > 0);
  CHECK(sum.result_bytes > 0);
}

}  // namespace corank::test
