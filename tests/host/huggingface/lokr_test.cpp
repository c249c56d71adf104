// peft_type LOKR: what its configuration means.
#include "models/peft/lokr.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/huggingface/adapter_files.h"
#include "models/base/error.h"
#include "tests/host/huggingface/model_modules.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

/// Of a LLaMA of one layer with a hidden size of 8 and 12 intermediate features.
AdapterPlan plan_of(const std::string& keys) {
  return test::plan_of(config_of("LOKR", keys), llama_modules(1), kLlama);
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys); });
}

std::vector<LokrShape> lokr_shapes(const std::string& keys) {
  const AdapterPlan plan = plan_of(R"(, "alpha": 4)" + keys);
  std::vector<LokrShape> shapes;
  for (const LokrModule& module : std::any_cast<const LokrPlan&>(plan.own).modules)
    shapes.push_back(module.shape);
  return shapes;
}

}  // namespace

TEST_CASE("LoKr's sizes are factors near to each other, or as near to a factor as they can be") {
  // [8, 8] is 2 x 4 each way; of w2 a rank of 1 is below 4 / 2, one of 2 is not.
  const LokrShape whole = lokr_shapes(R"(, "r": 2)").front();
  CHECK(Shape{whole.a, whole.b, whole.c, whole.d} == Shape{2, 2, 4, 4});
  CHECK_FALSE(whole.low_rank_w1);
  CHECK_FALSE(whole.low_rank_w2);
  const LokrShape low = lokr_shapes(R"(, "r": 1, "decompose_both": true)").front();
  CHECK(low.low_rank_w2);
  CHECK_FALSE(low.low_rank_w1);
  // The first factor is the one that is asked for, where it divides.
  const LokrShape given = lokr_shapes(R"(, "r": 1, "decompose_both": true, "decompose_factor": 8,
                     "target_modules": ["q_proj"])")
                              .front();
  CHECK(Shape{given.a, given.b, given.c, given.d} == Shape{8, 8, 1, 1});
  CHECK(given.low_rank_w1);
  CHECK_FALSE(given.low_rank_w2);
  // [8, 12]: 2 x 4 and 3 x 4; of at most 2: 2 x 6.
  const std::string down = R"(, "r": 8, "target_modules": ["down_proj"])";
  const LokrShape near = lokr_shapes(down).front();
  CHECK(Shape{near.a, near.b, near.c, near.d} == Shape{2, 3, 4, 4});
  const LokrShape most = lokr_shapes(down + R"(, "decompose_factor": 5)").front();
  CHECK(Shape{most.a, most.b, most.c, most.d} == Shape{2, 3, 4, 4});
  CHECK_THAT(refusal(R"(, "r": 1, "alpha": 1, "decompose_factor": 0)"),
             Contains("'decompose_factor'"));
  CHECK_THAT(refusal(R"(, "r": 1, "alpha": 1, "rank_dropout": 0.5)"), Contains("'rank_dropout'"));
}
