#include "host/huggingface/adapter_files.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/methods/lora.h"
#include "models/base/error.h"
#include "models/transformer/llama.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

/// A LLaMA of one layer whose attention has biases.
Transformer model(bool tied = false) {
  LlamaShape shape;
  shape.vocabulary = 5;
  shape.hidden = shape.intermediate = 4;
  shape.layers = shape.heads = shape.kv_heads = 1;
  shape.head_dim = 4;
  shape.attention_bias = true;
  shape.tied_embeddings = tied;
  return build_llama(shape, 1, 3);
}

const std::string kAttention = "model.layers.0.self_attn.";

/// Adapters of rank 2 on these modules.
AdapterPlan lora(const std::vector<std::string>& modules) {
  AdapterPlan plan;
  plan.method = &lora_method();
  plan.adapted = modules;
  LoraPlan own;
  for (const std::string& module : modules) own.adapters.push_back({module, {8, 2, false}});
  plan.own = own;
  return plan;
}

AdapterPlan plan() {
  AdapterPlan plan = lora({kAttention + "q_proj", "model.embed_tokens"});
  plan.parameters.trainable_biases = {kAttention + "q_proj", kAttention + "k_proj"};
  plan.parameters.saved_modules = {"lm_head"};
  return plan;
}

Transformer adapted(const AdapterPlan& plan, bool tied = false) {
  Transformer transformer = model(tied);
  apply_adapter(transformer, plan);
  return transformer;
}

Tensor counted(const Shape& shape, float first) {
  Tensor tensor(DType::F32, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<float>()[i] = first + static_cast<float>(i);
  return tensor;
}

/// All trained tensors, by value name.
TensorMap by_value(const Transformer& transformer) {
  TensorMap tensors;
  float next = 1;
  for (const Value& value : transformer.graph.values)
    if (value.role == Role::kTrainable) tensors.emplace(value.name, counted(value.shape, next++));
  return tensors;
}

TensorMap by_file_name(const AdapterPlan& plan, const Transformer& transformer) {
  return adapter_tensors(plan, by_value(transformer));
}

AdapterTensors read(const TensorMap& tensors, const AdapterPlan& plan,
                    const Transformer& transformer) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("adapter_model.safetensors"), {tensors, {}});
  return read_adapter(folder.file(""), plan, transformer);
}

std::string refusal(const TensorMap& tensors, const AdapterPlan& plan,
                    const Transformer& transformer) {
  return message_of<InputError>([&] { read(tensors, plan, transformer); });
}

std::string refusal(const TensorMap& tensors) { return refusal(tensors, plan(), adapted(plan())); }

}  // namespace

TEST_CASE("Trained tensors have PEFT's names in the file") {
  const auto name = [](const std::string& value) {
    return adapter_tensor(plan(), {value, {}}).name;
  };
  CHECK(name(kAttention + "q_proj.lora_A.weight") ==
        "base_model.model." + kAttention + "q_proj.lora_A.weight");
  CHECK(name("model.embed_tokens.lora_embedding_A") ==
        "base_model.model.model.embed_tokens.lora_embedding_A");
  CHECK(name(kAttention + "q_proj.bias") ==
        "base_model.model." + kAttention + "q_proj.base_layer.bias");
  CHECK(name(kAttention + "k_proj.bias") == "base_model.model." + kAttention + "k_proj.bias");
  CHECK(name("lm_head.weight") == "base_model.model.lm_head.weight");
}

TEST_CASE("A written adapter is read back, its configuration as the user wrote it") {
  const Transformer transformer = adapted(plan());
  const TemporaryFolder folder;
  AdapterConfig config;
  config.json = Json::parse(R"({"peft_type": "LORA", "r": 2, "z": 1, "a": null})");
  const std::string norm = "base_model.model.model.norm.weight";
  const FrozenTensors frozen = {{norm, {"model.norm.weight", counted({4}, 9)}}};
  write_adapter(folder.file("out/adapter"), config, plan(), by_value(transformer), frozen);
  const AdapterTensors read = read_adapter(folder.file("out/adapter"), plan(), transformer);
  REQUIRE(read.trained.size() == by_value(transformer).size());
  for (const auto& [name, tensor] : by_value(transformer)) {
    INFO(name);
    CHECK(read.trained.at(name).bytes == tensor.bytes);
  }
  REQUIRE(read.frozen.size() == 1);
  CHECK(read.frozen.at(norm).value == "model.norm.weight");
  CHECK(read.frozen.at(norm).tensor.bytes == counted({4}, 9).bytes);
  CHECK(content_of(folder.file("out/adapter/adapter_config.json")) ==
        "{\n  \"peft_type\": \"LORA\",\n  \"r\": 2,\n  \"z\": 1,\n  \"a\": null,\n"
        "  \"inference_mode\": true\n}\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.file("out/adapter")), {}) == 2);
}

TEST_CASE("Names of PEFT's run time and copies that it does not read are understood") {
  TensorMap file = by_file_name(plan(), adapted(plan()));
  const auto rename = [&](const std::string& from, const std::string& to) {
    file["base_model.model." + to] = file.at("base_model.model." + from);
    file.erase("base_model.model." + from);
  };
  rename(kAttention + "q_proj.lora_A.weight", kAttention + "q_proj.lora_A.default.weight");
  rename("model.embed_tokens.lora_embedding_A", "model.embed_tokens.lora_embedding_A.default");
  rename("lm_head.weight", "lm_head.modules_to_save.default.weight");
  file["base_model.model.lm_head.original_module.weight"] = Tensor(DType::F32, {5, 4});
  file["base_model.model.lm_head.modules_to_save.bias"] = Tensor(DType::F32, {5});
  CHECK(refusal(file) == "");
  file["base_model.model.lm_head.weight"] = Tensor(DType::F32, {5, 4});
  CHECK_THAT(refusal(file), Contains("lm_head.weight' is there twice"));
}

TEST_CASE("Tensors of the model in an adapter's file replace the model's") {
  const auto read_with = [](const AdapterPlan& plan, bool tied,
                            const std::vector<std::string>& names) {
    const Transformer transformer = adapted(plan, tied);
    TensorMap file = by_file_name(plan, transformer);
    for (const std::string& name : names) file["base_model.model." + name] = counted({5, 4}, 50);
    std::map<std::string, std::string> values;
    for (const auto& [name, frozen] : read(file, plan, transformer).frozen) {
      CHECK(frozen.tensor.bytes == counted({5, 4}, 50).bytes);
      values[name.substr(std::string("base_model.model.").size())] = frozen.value;
    }
    return values;
  };
  using Values = std::map<std::string, std::string>;
  const std::string table = "model.embed_tokens.weight", head = "lm_head.weight";
  const AdapterPlan query = lora({kAttention + "q_proj"});
  CHECK(read_with(query, false, {table, head}) == Values{{table, table}, {head, head}});
  // Of a tied pair both are the table.
  CHECK(read_with(query, true, {table, head}) == Values{{table, table}, {head, table}});
  CHECK(read_with(query, true, {head}) == Values{{head, table}});
  // Inside PEFT's wrappers: as PEFT 0.21 writes them with save_embedding_layers.
  CHECK(read_with(plan(), false, {"model.embed_tokens.base_layer.weight"}) ==
        Values{{"model.embed_tokens.base_layer.weight", table}});
  AdapterPlan tokens = query;
  tokens.parameters.trainable_tokens = {{"model.embed_tokens", {3}}};
  const std::string wrapped = "model.embed_tokens.token_adapter.base_layer.weight";
  CHECK(read_with(tokens, false, {wrapped, head}) == Values{{wrapped, table}, {head, head}});
  const std::string wrapped_head = "lm_head.token_adapter.base_layer.weight";
  CHECK(read_with(tokens, true, {wrapped, wrapped_head}) ==
        Values{{wrapped, table}, {wrapped_head, table}});
}

TEST_CASE("The two names of a tied pair must agree") {
  AdapterPlan plan = lora({kAttention + "q_proj"});
  plan.parameters.trainable_tokens = {{"model.embed_tokens", {3}}};
  const Transformer transformer = adapted(plan, true);
  const TensorMap right = by_file_name(plan, transformer);
  const std::string prefix = "base_model.model.", delta = ".token_adapter.trainable_tokens_delta";
  TensorMap file = right;
  file[prefix + "lm_head" + delta] = right.at(prefix + "model.embed_tokens" + delta);
  CHECK(refusal(file, plan, transformer) == "");
  file[prefix + "lm_head" + delta] = counted({1, 4}, 77);
  CHECK_THAT(refusal(file, plan, transformer),
             Contains("lm_head" + delta + "': expected the elements of those of"));
  plan.parameters.trainable_tokens.clear();
  const Transformer plain = adapted(plan, true);
  file = by_file_name(plan, plain);
  file[prefix + "lm_head.weight"] = counted({5, 4}, 1);
  file[prefix + "model.embed_tokens.weight"] = counted({5, 4}, 2);
  CHECK_THAT(refusal(file, plan, plain), Contains("because config.json ties the two"));
}

TEST_CASE("A tensor that is missing, misshapen or of nothing selected is refused by name") {
  const TensorMap right = by_file_name(plan(), adapted(plan()));
  const std::string a = "base_model.model." + kAttention + "q_proj.lora_A.weight";
  TensorMap file = right;
  file.erase(a);
  CHECK_THAT(refusal(file), Contains("tensor '" + a + "': expected shape [2, 4], found no such"));
  file = right;
  file[a] = Tensor(DType::F32, {3, 4});
  CHECK_THAT(refusal(file), Contains("expected shape [2, 4], found [3, 4]"));
  file = right;
  file["base_model.model." + kAttention + "o_proj.lora_A.weight"] = Tensor(DType::F32, {2, 3});
  CHECK_THAT(refusal(file), Contains("o_proj.lora_A.weight': expected tensors of what"));
  file = right;
  file["base_model.model.model.embed_tokens.weight"] = Tensor(DType::F32, {5, 4});  // it is wrapped
  CHECK_THAT(refusal(file), Contains("embed_tokens.weight': expected tensors of what"));
  file = right;
  file["base_model.model.model.norm.weight"] = Tensor(DType::F32, {5});
  CHECK_THAT(refusal(file), Contains("expected shape [4], that of the model, found [5]"));
  for (const char* name : {"model.norm.weight", "lm_head.weight"}) {
    file = right;
    file[std::string("base_model.model.") + name] =
        Tensor(DType::I64, name[0] == 'm' ? Shape{4} : Shape{5, 4});
    CHECK_THAT(refusal(file), Contains("expected F32, F16 or BF16, found I64"));
  }
}

TEST_CASE("A folder with adapter_model.bin alone is refused with the way to safetensors") {
  const TemporaryFolder folder;
  folder.write("adapter_model.bin", "x");
  const auto message = [&] {
    return message_of<InputError>([&] { read_adapter(folder.file(""), plan(), adapted(plan())); });
  };
  CHECK_THAT(message(), Contains("expected adapter_model.safetensors, found adapter_model.bin") &&
                            Contains("save_pretrained"));
  REQUIRE(::mkfifo(folder.file("adapter_model.safetensors").c_str(), 0600) == 0);
  CHECK_THAT(message(), Contains("adapter_model.safetensors: expected a file, found a FIFO"));
}
