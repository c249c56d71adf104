// peft_type OFT: what its configuration means.
#include "models/peft/oft.h"

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
  return test::plan_of(config_of("OFT", keys), llama_modules(1), kLlama);
}

std::string refusal(const std::string& keys) {
  return message_of<InputError>([&] { plan_of(keys); });
}

}  // namespace

TEST_CASE("OFT's blocks have a size, or there is a number of them in each module") {
  const std::string targets = R"(, "target_modules": ["q_proj", "down_proj"])";
  const AdapterPlan sized = plan_of(targets + R"(, "oft_block_size": 4)");
  const auto& of_size = std::any_cast<const OftPlan&>(sized.own);
  REQUIRE(of_size.modules.size() == 2);
  CHECK(of_size.modules[0].block == 4);
  CHECK(of_size.modules[1].block == 4);
  CHECK(of_size.terms == 5);
  REQUIRE(sized.fixed.size() == 1);
  CHECK(sized.fixed.at("oft_skew.4").shape == Shape{6, 16});
  const AdapterPlan counted =
      plan_of(targets + R"(, "r": 2, "oft_block_size": 0, "num_cayley_neumann_terms": 3)");
  const auto& of_count = std::any_cast<const OftPlan&>(counted.own);
  CHECK(of_count.modules[0].block == 4);
  CHECK(of_count.modules[1].block == 6);
  CHECK(of_count.terms == 3);
  CHECK(counted.fixed.size() == 2);
}

TEST_CASE("OFT refuses its variants, and blocks that are not whole") {
  CHECK_THAT(refusal(R"(, "r": 2)"), Contains("'oft_block_size': expected 0 where r"));
  CHECK_THAT(refusal(R"(, "r": 0, "oft_block_size": 0)"), Contains("'oft_block_size'"));
  CHECK_THAT(refusal(R"(, "oft_block_size": 3)"),
             Contains("'oft_block_size': expected blocks of 2 or more features that divide the 8 "
                      "of 'model.layers.0.self_attn.q_proj', found 3"));
  CHECK_THAT(refusal(R"(, "oft_block_size": 0, "r": 8)"), Contains("'r': expected blocks"));
  for (const char* key :
       {R"("coft": true)", R"("block_share": true)", R"("use_cayley_neumann": false)",
        R"("num_cayley_neumann_terms": 1)", R"("bias": "lora_only")"}) {
    const std::string text = key;
    CHECK_THAT(refusal(R"(, "oft_block_size": 4, )" + text),
               Contains(text.substr(1, text.find('"', 1) - 1)));
  }
}
