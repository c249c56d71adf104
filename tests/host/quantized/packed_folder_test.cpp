// The readers of packed folders against the packages that wrote them (tests/fixtures/quantized).
#include "host/quantized/packed_folder.h"

#include <filesystem>
#include <functional>

#include "host/formats/safetensors.h"
#include "host/huggingface/model_config.h"
#include "models/base/error.h"
#include "tests/host/quantized/decoded_elements.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

namespace fs = std::filesystem;

const std::string kLayer = "model.layers.0.";

PackedWeights packed_in(const std::string& folder, const WeightFiles& files) {
  const ModelConfig model = read_model_config(folder, "CAUSAL_LM");
  return packed_weights(model.quantization.value(), files, model.prefix(), build(model, 1, 2));
}

void check_fixture(const std::string& name) {
  const std::string folder = (fs::path(CORANK_QUANTIZED) / name).string();
  const WeightFiles files(folder);
  const PackedWeights packed = packed_in(folder, files);
  const TensorMap expected = read_safetensors(folder + "/expected.safetensors").tensors;
  REQUIRE(expected.size() == 7);
  REQUIRE(packed.size() == expected.size());
  for (const auto& [weight, tensor] : expected) {
    INFO(weight);
    REQUIRE(packed.count(weight) == 1);
    const QuantizedTensor read = packed.at(weight).read();
    CHECK(read.format == packed.at(weight).format);
    check(read, weight);
    CHECK(bytes_of(read) == stored_bytes(read.format, read.shape));
    check_decoded(read, tensor);
  }
}

StorageFormat format_in(const std::string& fixture, const std::string& linear) {
  const std::string folder = (fs::path(CORANK_QUANTIZED) / fixture).string();
  const WeightFiles files(folder);
  return packed_in(folder, files).at(kLayer + linear + ".weight").format;
}

/// What is said of the fixture with these tensors in place of its own, or without them.
std::string refusal(
    const std::string& fixture, const TensorMap& changed,
    const std::vector<std::string>& left_out = {},
    const std::function<void(Json&)>& change = [](Json&) {}) {
  const TemporaryFolder folder;
  const std::string source = (fs::path(CORANK_QUANTIZED) / fixture).string();
  Json config = Json::parse(content_of(source + "/config.json"));
  change(config.at("quantization_config"));
  folder.write("config.json", config.dump());
  SafetensorsFile file = read_safetensors(source + "/model.safetensors");
  for (const auto& [name, tensor] : changed) file.tensors[kLayer + name] = tensor;
  for (const std::string& name : left_out) file.tensors.erase(kLayer + name);
  write_safetensors(folder.file("model.safetensors"), file);
  const WeightFiles files(folder.file(""));
  return message_of<InputError>([&] { packed_in(folder.file(""), files); });
}

Tensor text_tensor(const std::string& text) {
  Tensor tensor(DType::U8, {static_cast<std::int64_t>(text.size())});
  std::memcpy(tensor.bytes.data(), text.data(), text.size());
  return tensor;
}

const std::string kQ = "self_attn.q_proj.", kState = kQ + "weight.quant_state.bitsandbytes__nf4";

}  // namespace

TEST_CASE("Every element of bitsandbytes' NF4 is decoded to the bit") {
  for (const char* name : {"bnb_nf4", "bnb_nf4_dq", "bnb_nf4_storage"}) DYNAMIC_SECTION(name) {
      check_fixture(name);
    }
}

TEST_CASE("Every element of bitsandbytes' FP4 and LLM.int8 is decoded to the bit") {
  for (const char* name : {"bnb_fp4", "bnb_int8"}) DYNAMIC_SECTION(name) {
      check_fixture(name);
    }
}

TEST_CASE("Every element of GPTQ, AWQ and compressed-tensors is decoded to the bit") {
  for (const char* name :
       {"gptq", "gptq_symmetric_v2", "gptq_8bit", "awq", "ct_symmetric", "ct_zeros", "ct_channel"})
    DYNAMIC_SECTION(name) { check_fixture(name); }
}

TEST_CASE("A format says what the package's file has") {
  const StorageFormat plain = format_in("bnb_nf4", "self_attn.q_proj");
  CHECK(plain.code == ElementCode::kNf4);
  CHECK(plain.blocks == Blocks::kFlat);
  CHECK(plain.block == 64);
  CHECK(plain.scale == DType::F32);
  const StorageFormat nested = format_in("bnb_nf4_dq", "self_attn.q_proj");
  CHECK(nested.scale == DType::U8);
  CHECK(nested.nested_block == 256);
  // 36 x 36 weights: 648 bytes, 21 blocks of one byte, one nested scale and the offset.
  CHECK(stored_bytes(nested, {36, 36}) == 648 + 21 + 4 + 4);
  const StorageFormat rows = format_in("bnb_int8", "mlp.down_proj");
  CHECK(rows.code == ElementCode::kSigned8);
  CHECK(rows.block == 52);
  CHECK(stored_bytes(rows, {36, 52}) == 36 * 52 + 4 * 36);
  // Zeros that say nothing are not kept.
  CHECK_FALSE(format_in("gptq_symmetric_v2", "mlp.up_proj").zeros);
  CHECK(format_in("gptq_symmetric_v2", "mlp.up_proj").zero == 8);
  CHECK(format_in("gptq", "mlp.up_proj").zeros);
  // 64 x 32 weights of 4 bits, 2 groups a row, each a scale of F16 and a zero of 4 bits.
  CHECK(stored_bytes(format_in("gptq", "mlp.up_proj"), {64, 32}) == 1024 + 128 * 2 + 64);
  CHECK(format_in("ct_symmetric", "mlp.up_proj").arithmetic == DType::BF16);
  CHECK(format_in("ct_channel", "mlp.down_proj").block == 52);
}

TEST_CASE("A part of bitsandbytes' that is missing or lies is named") {
  CHECK_THAT(refusal("bnb_nf4_dq", {}, {kState}),
             Contains("tensor 'model.layers.0." + kState + "' (or __fp4): expected one beside"));
  CHECK_THAT(refusal("bnb_nf4_dq", {}, {kQ + "weight.absmax"}),
             Contains("q_proj.weight.absmax': expected shape [21], found no such tensor"));
  CHECK_THAT(refusal("bnb_nf4_dq", {{kQ + "weight.absmax", Tensor(DType::U8, {20})}}),
             Contains("q_proj.weight.absmax': expected shape [21], found [20]"));
  CHECK_THAT(refusal("bnb_nf4_dq", {{kQ + "weight.absmax", Tensor(DType::F32, {21})}}),
             Contains("q_proj.weight.absmax': expected U8, found F32"));
  CHECK_THAT(refusal("bnb_nf4_dq", {{kQ + "weight", Tensor(DType::U8, {647, 1})}}),
             Contains("expected 648 bytes of codes for [36, 36], found U8 [647, 1]"));
  CHECK_THAT(refusal("bnb_nf4_dq", {}, {kQ + "weight.nested_quant_map"}),
             Contains("nested_quant_map': expected shape [256], found no such tensor"));
  CHECK_THAT(refusal("bnb_nf4", {{kQ + "weight.quant_map", Tensor(DType::F32, {16})}}),
             Contains("quant_map': [0]: expected -1.000000, found 0.000000"));
}

TEST_CASE("A state of bitsandbytes' that says something else is named") {
  const auto state = [](const std::string& text) {
    return refusal("bnb_nf4", {{kState, text_tensor(text)}});
  };
  CHECK_THAT(state("{\"quant_type\""), Contains("expected a JSON object, found {\"quant_type\""));
  CHECK_THAT(state(R"({"quant_type":"fp4","blocksize":64,"shape":[36,36]})"),
             Contains("'quant_type': expected \"nf4\", found \"fp4\""));
  CHECK_THAT(state(R"({"quant_type":"nf4","blocksize":64,"shape":[36,72]})"),
             Contains("'shape': expected [36, 36], found [36,72]"));
  CHECK_THAT(state(R"({"quant_type":"nf4","blocksize":0,"shape":[36,36]})"),
             Contains("'blocksize': expected an integer, at least 1"));
  CHECK_THAT(state(R"({"quant_type":"nf4","blocksize":128,"shape":[36,36]})"),
             Contains("absmax': expected shape [11], found [21]"));
}

TEST_CASE("A part of GPTQ's that is missing or lies is named") {
  CHECK_THAT(refusal("gptq", {}, {kQ + "qzeros"}),
             Contains("q_proj.qzeros': expected shape [2, 4], found no such tensor"));
  CHECK_THAT(refusal("gptq", {}, {kQ + "scales"}),
             Contains("q_proj.scales': expected F16, BF16 or F32, found no such tensor"));
  CHECK_THAT(refusal("gptq", {{kQ + "qweight", Tensor(DType::I32, {3, 32})}}),
             Contains("q_proj.qweight': expected shape [4, 32], found [3, 32]"));
  CHECK_THAT(refusal("gptq", {{kQ + "g_idx", Tensor(DType::I32, {32})}}),
             Contains("q_proj.g_idx': [16]: expected 1, the group of its place (an order by "
                      "activations, desc_act, is not supported), found 0"));
  const std::string by_activations =
      refusal("gptq", {}, {kQ + "g_idx"}, [](Json& json) { json["desc_act"] = true; });
  CHECK_THAT(by_activations, Contains("q_proj.g_idx': expected shape [32], found no such tensor"));
  CHECK(refusal("gptq", {}, {kQ + "g_idx"}) == "");
  Tensor zeros(DType::I32, {2, 4});
  zeros.data<std::int32_t>()[5] = 0xF0;
  CHECK_THAT(refusal("gptq", {{kQ + "qzeros", zeros}}),
             Contains("q_proj.qzeros': group 1 of output 9: expected a zero less one from 0 to 14, "
                      "found 15"));
}

TEST_CASE("A part of compressed-tensors' that is missing or lies is named") {
  Tensor shape(DType::I64, {2});
  CHECK_THAT(refusal("ct_zeros", {{kQ + "weight_shape", shape}}),
             Contains("weight_shape': expected [32, 32], found [0, 0]"));
  CHECK_THAT(refusal("ct_zeros", {}, {kQ + "weight_zero_point"}),
             Contains("weight_zero_point': expected shape [4, 1], found no such tensor"));
  CHECK_THAT(refusal("ct_zeros", {{kQ + "weight_g_idx", Tensor(DType::I32, {32})}}),
             Contains("weight_g_idx': expected no such tensor"));
}
