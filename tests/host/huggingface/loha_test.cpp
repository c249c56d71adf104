// peft_type LOHA: what its configuration means.
#include "models/peft/loha.h"

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
  return test::plan_of(config_of("LOHA", keys), llama_modules(1), kLlama);
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys); });
}

}  // namespace

TEST_CASE("LoHa has a rank and an alpha, and those of single modules") {
  const AdapterPlan plan = plan_of(R"(, "r": 4, "alpha": 6, "rank_pattern": {"v_proj": 2},
                                              "alpha_pattern": {"q_proj": 3}, "init_weights": false)");
  const auto& adapters = std::any_cast<const LohaPlan&>(plan.own).adapters;
  REQUIRE(adapters.size() == 2);
  CHECK(adapters[0].scale.rank == 4);
  CHECK(adapters[0].scale.alpha == 3);
  CHECK(adapters[1].scale.rank == 2);
  CHECK(adapters[1].scale.alpha == 6);
  CHECK_THAT(refusal(R"(, "r": 4)"), Contains("'alpha'"));
  CHECK_THAT(refusal(R"(, "r": 4, "alpha": 4, "rank_dropout": 0.1)"),
             Contains("'rank_dropout': 0.1 is not supported"));
  CHECK_THAT(refusal(R"(, "r": 4, "alpha": 4, "module_dropout": 0.1)"),
             Contains("'module_dropout'"));
}
