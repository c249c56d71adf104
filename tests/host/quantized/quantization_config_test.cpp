#include "host/quantized/quantization_config.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

QuantizationConfig read(const std::string& text) {
  return read_quantization_config(JsonObject(Json::parse(text), "config.json"));
}

std::string refusal(const std::string& text) {
  return message_of<InputError>([&] { read(text); });
}

/// A configuration of compressed-tensors with this in its only group.
std::string compressed(const std::string& weights, const std::string& others = "") {
  return R"({"quant_method": "compressed-tensors", "format": "pack-quantized", )" + others +
         R"("config_groups": {"group_0": {"targets": ["Linear"], "weights": )" + weights + "}}}";
}

}  // namespace

TEST_CASE("What packed a folder is read from its configuration") {
  const QuantizationConfig gptq =
      read(R"({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": false})");
  CHECK(gptq.packing == Packing::kGptq);
  CHECK(gptq.group == 128);
  CHECK(gptq.zeros_less_one);
  CHECK_FALSE(read(R"({"quant_method": "gptq", "bits": 8, "group_size": -1,
                       "checkpoint_format": "gptq_v2"})")
                  .zeros_less_one);
  CHECK(read(R"({"quant_method": "gptq", "bits": 8, "group_size": -1})").group == 0);
  CHECK(
      read(R"({"quant_method": "awq", "w_bit": 4, "q_group_size": 64, "version": "GEMM"})").group ==
      64);
  CHECK_FALSE(read(compressed(R"({"num_bits": 4, "type": "int", "symmetric": false,
                                  "strategy": "group", "group_size": 32})"))
                  .symmetric);
}

TEST_CASE("A layout that is not read is refused by its key") {
  CHECK_THAT(refusal(R"({"quant_method": "hqq"})"),
             Contains("'quant_method': expected \"bitsandbytes\", \"gptq\", \"awq\" or "
                      "\"compressed-tensors\", found \"hqq\""));
  CHECK_THAT(refusal(R"({"quant_method": "gptq", "bits": 3, "group_size": 128})"),
             Contains("'bits': expected 4 or 8 bits, found 3"));
  CHECK_THAT(refusal(R"({"quant_method": "gptq", "bits": 4, "group_size": 0})"),
             Contains("'group_size': expected -1 (a row) or a number of elements above 0"));
  CHECK_THAT(refusal(R"({"quant_method": "gptq", "bits": 4, "group_size": 32,
                         "checkpoint_format": "marlin"})"),
             Contains("'checkpoint_format': expected one of \"gptq\", \"gptq_v2\""));
  CHECK_THAT(refusal(R"({"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemv"})"),
             Contains("'version': expected one of \"gemm\", \"GEMM\", found \"gemv\""));
  CHECK_THAT(refusal(R"({"quant_method": "bitsandbytes", "llm_int8_has_fp16_weight": true})"),
             Contains("'llm_int8_has_fp16_weight': true is not supported"));
  CHECK_THAT(refusal(compressed(R"({"num_bits": 3, "strategy": "channel"})")),
             Contains("weights: 'num_bits': expected 4 or 8 bits, found 3"));
  CHECK_THAT(refusal(compressed(R"({"num_bits": 4, "strategy": "block"})")),
             Contains("'strategy': expected one of \"group\", \"channel\""));
  CHECK_THAT(refusal(compressed(R"({"num_bits": 4, "strategy": "channel", "actorder": "group"})")),
             Contains("'actorder': \"group\" is not supported"));
}
