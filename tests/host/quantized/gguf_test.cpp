// GGUF files against package gguf (tests/fixtures/quantized), and files that lie.
#include <cstring>
#include <filesystem>
#include <functional>

#include "host/formats/safetensors.h"
#include "host/quantized/gguf_model.h"
#include "models/base/error.h"
#include "tests/host/quantized/decoded_elements.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

const std::string kFixtures = CORANK_QUANTIZED;

/// Writes what a test says, by the format's own description.
class GgufText {
 public:
  template <class T>
  GgufText& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufText& text(const std::string& text) {
    number<std::uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  GgufText& begin(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    bytes_ += "GGUF";
    return number(version).number(tensors).number(keys);
  }
  GgufText& text_key(const std::string& key, const std::string& value) {
    return text(key).number<std::uint32_t>(8).text(value);
  }
  GgufText& integer_key(const std::string& key, std::uint32_t value) {
    return text(key).number<std::uint32_t>(4).number(value);
  }
  GgufText& float_key(const std::string& key, float value) {
    return text(key).number<std::uint32_t>(6).number(value);
  }
  GgufText& tensor(const std::string& name, const std::vector<std::uint64_t>& dimensions,
                   std::uint32_t type, std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::uint64_t size : dimensions) number(size);
    return number(type).number(offset);
  }
  GgufText& pad(std::size_t bytes) {
    bytes_.append((32 - bytes_.size() % 32) % 32 + bytes, '\0');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string refusal(const GgufText& text) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.gguf", text.bytes());
  return message_of<InputError>([&] { const MappedGguf file(path); });
}

/// Keys of a LLaMA, with these changes; a key whose value is empty is left out.
std::string model_refusal(const std::map<std::string, std::string>& changes,
                          const std::string& task = "CAUSAL_LM",
                          const std::string& extra_tensor = "blk.0.attn_norm.weight") {
  std::map<std::string, std::string> keys = {
      {"general.architecture", "llama"},   {"llama.embedding_length", "8"},
      {"llama.feed_forward_length", "8"},  {"llama.block_count", "1"},
      {"llama.attention.head_count", "2"}, {"llama.rope.scaling.type", "none"}};
  for (const auto& [key, value] : changes) keys[key] = value;
  GgufText text;
  std::uint64_t count = 1;
  for (const auto& entry : keys) count += !entry.second.empty();
  text.begin(2, count).float_key("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  for (const auto& [key, value] : keys) {
    if (value.empty()) continue;
    if (std::isdigit(static_cast<unsigned char>(value[0])) != 0) {
      text.integer_key(key, static_cast<std::uint32_t>(std::stoul(value)));
    } else {
      text.text_key(key, value);
    }
  }
  text.tensor("token_embd.weight", {8, 4}, 0, 0).tensor(extra_tensor, {8}, 0, 128).pad(160);
  const TemporaryFolder folder;
  const std::string path = folder.write("a.gguf", text.bytes());
  return message_of<InputError>([&] { GgufWeights(path).model(task); });
}

}  // namespace

TEST_CASE("Every element of a GGUF file is decoded to the bit, with the rows of Hugging Face") {
  for (const char* name : {"gguf_q4_0", "gguf_q4_1", "gguf_q8_0", "gguf_f16"}) {
    DYNAMIC_SECTION(name) {
      const std::string folder = kFixtures + "/" + name;
      const GgufWeights weights(folder + "/model.gguf");
      const ModelConfig model = weights.model("CAUSAL_LM");
      const PackedWeights packed = weights.packed(build(model, 1, 2));
      CHECK(packed.empty() == (std::string(name) == "gguf_f16"));
      std::size_t plain = 0;
      for (const auto& [weight, expected] :
           read_safetensors(folder + "/expected.safetensors").tensors) {
        INFO(weight);
        if (packed.count(weight) > 0) {
          const QuantizedTensor read = packed.at(weight).read();
          check(read, weight);
          check_decoded(read, expected);
        }
        const Tensor read = weights.read(weight, "model.", expected.shape, DType::F32);
        CHECK(read.bytes == expected.bytes);
        plain += packed.count(weight) == 0;
      }
      CHECK(plain == weights.names().size() - packed.size());
    }
  }
}

TEST_CASE("The shape of a model is that of a GGUF file's keys") {
  const ModelConfig model = GgufWeights(kFixtures + "/gguf_q8_0/model.gguf").model("CAUSAL_LM");
  const auto& shape = std::get<LlamaShape>(model.shape);
  CHECK(shape.vocabulary == 8);
  CHECK(shape.hidden == 32);
  CHECK(shape.intermediate == 64);
  CHECK(shape.layers == 1);
  CHECK(shape.heads == 2);
  CHECK(shape.kv_heads == 1);
  CHECK(shape.head_dim == 16);
  CHECK(shape.rms_norm_eps == static_cast<double>(1e-5f));
  CHECK(shape.rope.theta == 10000);
  CHECK(shape.tied_embeddings);
  CHECK_FALSE(std::get<LlamaShape>(GgufWeights(kFixtures + "/gguf_q4_0/model.gguf").model("").shape)
                  .tied_embeddings);
}

TEST_CASE("A GGUF file that is none, or ends too early, is refused") {
  CHECK_THAT(refusal(GgufText().number<std::uint32_t>(1)),
             Contains("expected a GGUF file, found other first bytes"));
  CHECK_THAT(refusal(GgufText()), Contains("the magic number: the file ends in it, at byte 0"));
  CHECK_THAT(refusal(GgufText().begin(0, 0, 1)),
             Contains("expected version 2 or 3, little-endian, found 1"));
  CHECK_THAT(refusal(GgufText().begin(0, 1)), Contains("the name of a key: the file ends in it"));
  CHECK_THAT(refusal(GgufText().begin(0, 1).text("a").number<std::uint32_t>(13)),
             Contains("'a': expected a value of a type from 0 to 12, found 13"));
  CHECK_THAT(
      refusal(GgufText().begin(0, 1).text("a").number<std::uint32_t>(8).number(~std::uint64_t{0})),
      Contains("'a': the file ends in it"));
  CHECK_THAT(refusal(GgufText().begin(0, 2).integer_key("a", 1).integer_key("a", 1)),
             Contains("'a': is there twice"));
}

TEST_CASE("A tensor of a GGUF file that is not read, or lies, is named") {
  const auto tensor = [](const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                         std::uint64_t offset) {
    return refusal(GgufText().begin(1, 0).tensor("a", dimensions, type, offset).pad(128));
  };
  CHECK(tensor({32}, 0, 0) == "");
  CHECK_THAT(tensor({256, 2}, 12, 0),
             Contains("tensor 'a': expected a type out of F32, F16, Q4_0, Q4_1, Q8_0, BF16, found "
                      "Q4_K"));
  CHECK_THAT(tensor({32, 2}, 99, 0), Contains("found 99"));
  CHECK_THAT(tensor({33}, 0, 0), Contains("expected 132 bytes from byte 0"));
  CHECK_THAT(tensor({8}, 0, 128), Contains("expected 32 bytes from byte 128"));
  CHECK_THAT(tensor({8}, 0, 4), Contains("an offset that is a multiple of 32, found 4"));
  CHECK_THAT(tensor({48}, 8, 0), Contains("Q8_0: expected rows of whole blocks of 32, found [48]"));
  CHECK_THAT(tensor({8, 2, 2}, 0, 0), Contains("expected 1 or 2 dimensions, found 3"));
  CHECK_THAT(tensor({0}, 0, 0), Contains("expected dimensions from 1 to 2^40, found 0"));
  CHECK_THAT(tensor({std::uint64_t{1} << 39, 4}, 0, 0), Contains("expected at most 2^40 elements"));
}

TEST_CASE("A GGUF file of another model is refused by its key") {
  CHECK(model_refusal({}) == "");
  CHECK_THAT(model_refusal({{"general.architecture", "qwen2"}}),
             Contains("'general.architecture': expected \"llama\", found \"qwen2\""));
  CHECK_THAT(model_refusal({{"llama.expert_count", "8"}}), Contains("'llama.expert_count'"));
  CHECK_THAT(model_refusal({{"llama.block_count", ""}}),
             Contains("'llama.block_count': expected an integer from 1 to 65536, found no such "
                      "key"));
  CHECK_THAT(model_refusal({{"llama.attention.head_count", "3"}}),
             Contains("'llama.attention.head_count': expected a divisor of the embedding length"));
  CHECK_THAT(model_refusal({{"llama.attention.head_count_kv", "4"}}),
             Contains("'llama.attention.head_count_kv': expected a divisor of the 2 heads"));
  CHECK_THAT(model_refusal({{"llama.rope.dimension_count", "2"}}),
             Contains("'llama.rope.dimension_count': expected 4, the size of a head, found 2"));
  CHECK_THAT(model_refusal({{"llama.rope.scaling.type", "yarn"}}),
             Contains("'llama.rope.scaling.type': expected \"none\" or \"linear\", found"));
  CHECK_THAT(model_refusal({}, "SEQ_CLS"), Contains("task_type \"CAUSAL_LM\" or null"));
  CHECK_THAT(model_refusal({}, "", "rope_freqs.weight"),
             Contains("tensor 'rope_freqs.weight': expected no such tensor"));
}

TEST_CASE("A tensor that a GGUF file lacks, or has with another shape, is named") {
  const GgufWeights weights(kFixtures + "/gguf_q4_0/model.gguf");
  CHECK_THAT(
      message_of<InputError>([&] { weights.read("model.norm.bias", "model.", {32}, DType::F32); }),
      Contains("tensor 'model.norm.bias': expected shape [32], found no such tensor"));
  CHECK_THAT(message_of<InputError>([&] {
               weights.read("model.layers.0.mlp.up_proj.weight", "model.", {32, 32}, DType::F32);
             }),
             Contains("tensor 'blk.0.ffn_up.weight': expected shape [32, 32], found [64, 32]"));
}
