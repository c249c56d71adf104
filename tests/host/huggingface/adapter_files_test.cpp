#include "host/huggingface/adapter_files.h"

#include <catch2/catch.hpp>
#include <string>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

LoraPlan plan() {
  LoraPlan plan;
  plan.adapters = {{"model.q_proj", {8, 2, false}}, {"model.embed_tokens", {8, 2, false}}};
  plan.trainable_biases = {"model.q_proj", "model.k_proj"};
  plan.saved_modules = {"lm_head"};
  return plan;
}

const std::map<std::string, Shape> kTrainables = {{"model.q_proj.lora_A.weight", {2, 3}},
                                                  {"model.q_proj.lora_B.weight", {4, 2}},
                                                  {"model.embed_tokens.lora_embedding_A", {2, 5}},
                                                  {"model.q_proj.bias", {4}},
                                                  {"model.k_proj.bias", {4}},
                                                  {"lm_head.weight", {5, 3}}};

TensorMap by_value() {
  TensorMap tensors;
  float next = 1;
  for (const auto& [name, shape] : kTrainables) {
    Tensor tensor(DType::F32, shape);
    for (std::int64_t i = 0; i < element_count(shape); ++i) tensor.data<float>()[i] = next++;
    tensors.emplace(name, tensor);
  }
  return tensors;
}

std::string refusal(const TensorMap& tensors) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("adapter_model.safetensors"), {tensors, {}});
  return message_of<InputError>([&] { read_adapter(folder.file(""), plan(), kTrainables); });
}

}  // namespace

TEST_CASE("Trained tensors have PEFT's names in the file") {
  const auto name = [](const std::string& value) { return adapter_tensor_name(plan(), value); };
  CHECK(name("model.q_proj.lora_A.weight") == "base_model.model.model.q_proj.lora_A.weight");
  CHECK(name("model.embed_tokens.lora_embedding_A") ==
        "base_model.model.model.embed_tokens.lora_embedding_A");
  CHECK(name("model.q_proj.bias") == "base_model.model.model.q_proj.base_layer.bias");
  CHECK(name("model.k_proj.bias") == "base_model.model.model.k_proj.bias");
  CHECK(name("lm_head.weight") == "base_model.model.lm_head.weight");
}

TEST_CASE("A written adapter is read back, its configuration as the user wrote it") {
  const TemporaryFolder folder;
  AdapterConfig config;
  config.json = Json::parse(R"({"peft_type": "LORA", "r": 2, "z": 1, "a": null})");
  write_adapter(folder.file("out/adapter"), config, plan(), by_value());
  const TensorMap read = read_adapter(folder.file("out/adapter"), plan(), kTrainables);
  REQUIRE(read.size() == kTrainables.size());
  for (const auto& [name, tensor] : by_value()) {
    INFO(name);
    CHECK(read.at(name).bytes == tensor.bytes);
  }
  CHECK(content_of(folder.file("out/adapter/adapter_config.json")) ==
        "{\n  \"peft_type\": \"LORA\",\n  \"r\": 2,\n  \"z\": 1,\n  \"a\": null,\n"
        "  \"inference_mode\": true\n}\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.file("out/adapter")), {}) == 2);
}

TEST_CASE("Names of PEFT's run time and copies of frozen weights are understood") {
  TensorMap file;
  for (const auto& [value, tensor] : by_value()) file[adapter_tensor_name(plan(), value)] = tensor;
  const auto rename = [&](const std::string& from, const std::string& to) {
    file["base_model.model." + to] = file.at("base_model.model." + from);
    file.erase("base_model.model." + from);
  };
  rename("model.q_proj.lora_A.weight", "model.q_proj.lora_A.default.weight");
  rename("model.embed_tokens.lora_embedding_A", "model.embed_tokens.lora_embedding_A.default");
  rename("lm_head.weight", "lm_head.modules_to_save.default.weight");
  file["base_model.model.model.embed_tokens.base_layer.weight"] = Tensor(DType::F32, {5, 3});
  file["base_model.model.classifier.original_module.bias"] = Tensor(DType::F32, {5});
  CHECK(refusal(file) == "");
}

TEST_CASE("A tensor that is missing, misshapen or of nothing selected is refused by name") {
  TensorMap right;
  for (const auto& [value, tensor] : by_value()) right[adapter_tensor_name(plan(), value)] = tensor;
  const std::string a = "base_model.model.model.q_proj.lora_A.weight";
  TensorMap file = right;
  file.erase(a);
  CHECK_THAT(refusal(file), Contains("tensor '" + a + "': expected shape [2, 3], found no such"));
  file = right;
  file[a] = Tensor(DType::F32, {4, 3});
  CHECK_THAT(refusal(file), Contains("expected shape [2, 3], found [4, 3]"));
  file = right;
  file["base_model.model.model.o_proj.lora_A.weight"] = Tensor(DType::F32, {2, 3});
  CHECK_THAT(refusal(file), Contains("o_proj.lora_A.weight': expected tensors of what"));
  file = right;
  file[a] = Tensor(DType::I64, {2, 3});
  CHECK_THAT(refusal(file), Contains("expected F32, F16 or BF16, found I64"));
}
