// Packed weights: folders of the packages that are read, and GGUF files.
#include "host/formats/safetensors.h"
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"

namespace corank::fuzz {
namespace {

struct PackedFixture {
  const char* name;
  std::int64_t hidden;
};

constexpr PackedFixture kPacked[] = {{"bnb_nf4_dq", 36},   {"bnb_fp4", 36},   {"bnb_int8", 36},
                                     {"gptq", 32},         {"gptq_8bit", 32}, {"awq", 32},
                                     {"ct_symmetric", 32}, {"ct_zeros", 32},  {"ct_channel", 36},
                                     {"gguf_q4_0", 32},    {"gguf_q4_1", 32}, {"gguf_q8_0", 32},
                                     {"gguf_f16", 32}};

/// Four tokens of the eight that these models know.
std::string batches() {
  Tensor ids(DType::I64, {1, 1, 4});
  for (std::int64_t i = 0; i < 4; ++i) ids.data<std::int64_t>()[i] = i;
  return to_bytes({{{"input_ids", ids}, {"labels", ids}}, {}});
}

/// LoRA of rank 1 on q_proj.
std::string adapter(std::int64_t hidden) {
  const std::string module = "base_model.model.model.layers.0.self_attn.q_proj.lora_";
  return to_bytes({{{module + "A.weight", Tensor(DType::F32, {1, hidden})},
                    {module + "B.weight", Tensor(DType::F32, {hidden, 1})}},
                   {}});
}

/// What a GGUF file says of itself stands in its first bytes.
void mutate_gguf(Random& random, std::string& bytes) {
  constexpr std::size_t kHeader = 1400;
  if (percent(random, 20)) return mutate_bytes(random, bytes);
  std::string header = bytes.substr(0, kHeader);
  mutate_bytes(random, header);
  bytes.replace(0, kHeader, header);
}

}  // namespace

Input make_packed(Random& random) {
  const PackedFixture& fixture =
      kPacked[draw::between(random, 0, static_cast<std::int64_t>(std::size(kPacked)) - 1)];
  const std::string name = fixture.name;
  const std::string folder = "tests/fixtures/quantized/" + name + "/";
  const bool gguf = name.rfind("gguf", 0) == 0;
  Input input;
  if (gguf) {
    input.files["model/model.gguf"] = source_file(folder + "model.gguf");
  } else {
    for (const char* file : {"config.json", "model.safetensors"})
      input.files[std::string("model/") + file] = source_file(folder + file);
  }
  input.files["adapter/adapter_config.json"] =
      R"({"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 1, "lora_alpha": 2, "target_modules": ["q_proj"]})";
  input.files["adapter/adapter_model.safetensors"] = adapter(fixture.hidden);
  input.files["batches.safetensors"] = batches();
  input.files["config.yaml"] = to_yaml({{"workload.model", gguf ? "model/model.gguf" : "model"},
                                        {"workload.adapter", "adapter"},
                                        {"workload.batches", "batches.safetensors"},
                                        {"numerics", percent(random, 50) ? "fp32" : "bf16"}});
  input.arguments = {"run", "config.yaml", "--fidelity", "reference", "--out", "out"};
  if (percent(random, 5)) return input;
  if (!gguf) {
    mutate_files(random, input, "model/");
  } else {
    for (int left = mistakes(random); left > 0; --left)
      mutate_gguf(random, input.files.at("model/model.gguf"));
  }
  return input;
}

}  // namespace corank::fuzz
