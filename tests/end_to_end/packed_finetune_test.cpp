// Fine-tuning on packed weights, by the reference: as on a folder of plain weights that have the
// decoded elements. (That QLoRA on bitsandbytes' own folders is PEFT's, finetune_test says.)
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/json_object.h"
#include "host/huggingface/model_config.h"
#include "host/run/finetune.h"
#include "models/base/error.h"
#include "models/quantized/decode.h"
#include "models/quantized/quantize.h"
#include "tests/end_to_end/finetune_fixture.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

/// A model in a GGUF file, its elements in a folder, an adapter of q_proj and two steps of batches.
class GgufRun {
 public:
  explicit GgufRun(const std::string& fixture)
      : file_(std::string(CORANK_QUANTIZED) + "/" + fixture + "/model.gguf") {
    SafetensorsFile model =
        read_safetensors(std::string(CORANK_QUANTIZED) + "/" + fixture + "/expected.safetensors");
    const bool tied = model.tensors.count("lm_head.weight") == 0;
    const Json config = {{"model_type", "llama"},       {"vocab_size", 8},
                         {"hidden_size", 32},           {"intermediate_size", 64},
                         {"num_hidden_layers", 1},      {"num_attention_heads", 2},
                         {"num_key_value_heads", 1},    {"rms_norm_eps", 1e-5f},
                         {"tie_word_embeddings", tied}, {"rope_theta", 10000.0}};
    folder_.write("model/config.json", config.dump());
    write_safetensors(folder_.file("model/model.safetensors"), model);
    folder_.write("adapter/adapter_config.json",
                  R"({"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4,
                      "target_modules": ["q_proj"]})");
    SafetensorsFile adapter;
    const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.lora_";
    adapter.tensors[q + "A.weight"] = ramp({2, 32});
    adapter.tensors[q + "B.weight"] = ramp({32, 2});
    write_safetensors(folder_.file("adapter/adapter_model.safetensors"), adapter);
    Tensor ids(DType::I64, {2, 1, 6});
    for (std::int64_t i = 0; i < 12; ++i) ids.data<std::int64_t>()[i] = i * 5 % 8;
    write_safetensors(folder_.file("batches.safetensors"),
                      {{{"input_ids", ids}, {"labels", ids}}, {}});
  }

  FinetuneResult run(bool from_file, Numerics numerics) const {
    Config config;
    config.model = from_file ? file_ : folder_.file("model");
    config.adapter = folder_.file("adapter");
    config.batches = folder_.file("batches.safetensors");
    config.numerics = numerics;
    return finetune(config);
  }

 private:
  static Tensor ramp(const Shape& shape) {
    Tensor tensor(DType::F32, shape);
    for (std::int64_t i = 0; i < element_count(shape); ++i)
      tensor.data<float>()[i] = 0.01f * static_cast<float>(i % 17 - 8);
    return tensor;
  }

  TemporaryFolder folder_;
  std::string file_;
};

void check_equal(const FinetuneResult& found, const FinetuneResult& expected) {
  CHECK(found.report.losses == expected.report.losses);
  REQUIRE(found.adapter.size() == expected.adapter.size());
  for (const auto& [name, tensor] : expected.adapter)
    CHECK(found.adapter.at(name).bytes == tensor.bytes);
}

/// The fixture's model with its linears, but the head, as they are after they were packed.
void write_round_trip(const FinetuneFixture& fixture, Quantizer quantizer,
                      const TemporaryFolder& folder) {
  std::filesystem::copy(fixture.config.model, folder.file("model"));
  const std::string path = folder.file("model/model.safetensors");
  SafetensorsFile file = read_safetensors(path);
  for (auto& [name, tensor] : file.tensors)
    if (name.find("_proj.weight") != std::string::npos)
      tensor = decoded(quantize(tensor, quantizer), DType::F32);
  write_safetensors(path, file);
}

std::string notes_in(const FinetuneResult& result) {
  std::string all;
  for (const std::string& note : result.report.notes) all += note + "\n";
  return all;
}

}  // namespace

TEST_CASE("A model trains from its GGUF file as from a folder of the elements") {
  for (const char* name : {"gguf_q4_0", "gguf_q4_1", "gguf_q8_0", "gguf_f16"}) {
    DYNAMIC_SECTION(name) {
      const GgufRun runs(name);
      for (const Numerics numerics : {Numerics::kFp32, Numerics::kBf16}) {
        const FinetuneResult packed = runs.run(true, numerics);
        check_equal(packed, runs.run(false, numerics));
        if (numerics == Numerics::kBf16)
          CHECK(packed.report.measured_peak_bytes == packed.report.account.peak_bytes);
      }
    }
  }
}

TEST_CASE("A folder that is packed as it is read trains as one of the decoded elements") {
  for (const Quantizer quantizer : quantizers()) {
    if (quantizer == Quantizer::kNone) continue;
    DYNAMIC_SECTION(name_of(quantizer)) {
      FinetuneFixture fixture = read_fixture("llama_gqa");
      const TemporaryFolder folder;
      write_round_trip(fixture, quantizer, folder);
      for (const Numerics numerics : {Numerics::kFp32, Numerics::kBf16}) {
        fixture.config.numerics = numerics;
        Config plain = fixture.config;
        plain.model = folder.file("model");
        Config packed = fixture.config;
        packed.quantize = quantizer;
        check_equal(finetune(packed), finetune(plain));
      }
    }
  }
}

TEST_CASE("The account has what packed weights take, and the notes say which they are") {
  FinetuneFixture fixture = read_fixture("llama_gqa");
  fixture.config.numerics = Numerics::kBf16;
  const FinetuneResult plain = finetune(fixture.config);
  fixture.config.quantize = Quantizer::kNf4;
  const FinetuneResult packed = finetune(fixture.config);
  CHECK(packed.report.measured_peak_bytes == packed.report.account.peak_bytes);
  // Two layers: q, o of 32 x 32, k, v of 16 x 32, three of 48 x 32. 4 bits, and 4 bytes for 64.
  const std::int64_t weights = 2 * (2 * 1024 + 2 * 512 + 3 * 1536);
  CHECK(plain.report.account.weight_bytes - packed.report.account.weight_bytes ==
        2 * weights - (weights / 2 + 4 * weights / 64));
  CHECK_THAT(
      notes_in(packed),
      Contains("14 linears are packed (nf4, blocks of 64, scales F32): 15360 weights in 8640 "
               "bytes, 4.500 bits each") &&
          Contains("linears that stay plain: 'lm_head'"));
  CHECK_THAT(notes_in(plain), !Contains("packed"));
}

TEST_CASE("Sizes alone are drawn and packed") {
  Config config;
  config.transformer.config = std::string(CORANK_FIXTURES) + "/llama_gqa/model/config.json";
  config.transformer.rank = 2;
  config.transformer.batch = 1;
  config.transformer.sequence = 4;
  config.quantize = Quantizer::kNf4Dq;
  config.numerics = Numerics::kBf16;
  const FinetuneResult result = finetune(config);
  CHECK(result.report.losses.size() == 1);
  CHECK_THAT(notes_in(result), Contains("14 linears are packed (nf4, blocks of 64, scales of 8 "
                                        "bits in blocks of 256)"));
}

TEST_CASE("What is packed already is not packed again, and not trained in full") {
  FinetuneFixture fixture = read_fixture("llama_nf4");
  fixture.config.quantize = Quantizer::kInt8;
  CHECK_THAT(message_of<InputError>([&] { finetune(fixture.config); }),
             Contains("workload.quantize: expected none, because") && Contains("found int8"));
  fixture.config.quantize = Quantizer::kNone;
  const TemporaryFolder folder;
  folder.write("adapter/adapter_config.json",
               R"({"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4,
                   "target_modules": ["q_proj"], "modules_to_save": ["v_proj"]})");
  fixture.config.adapter = folder.file("adapter");
  CHECK_THAT(message_of<InputError>([&] { finetune(fixture.config); }),
             Contains("self_attn.v_proj.weight is packed (nf4, blocks of 64, scales of 8 bits in "
                      "blocks of 256), so that it cannot be trained"));
}
