#include "tests/bench/reference_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "host/config/config.h"
#include "host/formats/safetensors.h"
#include "host/run/finetune.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/execute.h"
#include "sim/cycle/gemm.h"
#include "tests/bench/clocks.h"
#include "tests/host/temporary_folder.h"

namespace corank::bench {
namespace {

// SmolLM-135M (Hugging Face, 2024): 134.5 million parameters, the head is the embedding.
constexpr std::int64_t kHidden = 576, kLayers = 30, kHeads = 9, kKeyValueHeads = 3;
constexpr std::int64_t kIntermediate = 1536, kVocabulary = 49152;
constexpr std::int64_t kKeyValues = kHidden / kHeads * kKeyValueHeads;
constexpr std::int64_t kTokens = 128, kRank = 8;

/// Of either sign, from 2^-7 to 2^-5, as a trained model's are.
Tensor random_weights(std::mt19937_64& generator, DType dtype, const Shape& shape) {
  Tensor tensor(dtype, shape);
  const std::int64_t count = element_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<std::uint32_t>(0x3C00'0000 | (generator() & 0x80FF'FFFF));
    if (dtype == DType::BF16)
      tensor.data<std::uint16_t>()[i] = static_cast<std::uint16_t>(bits >> 16);
    else
      tensor.data<float>()[i] = float_from_bits(bits);
  }
  return tensor;
}

Tensor ones(const Shape& shape) {
  Tensor tensor(DType::BF16, shape);
  std::fill_n(tensor.data<std::uint16_t>(), element_count(shape), round_to_bf16(1.0f));
  return tensor;
}

void write_model(const TemporaryFolder& folder, std::mt19937_64& generator) {
  folder.write("model/config.json", nlohmann::json{{"architectures", {"LlamaForCausalLM"}},
                                                   {"model_type", "llama"},
                                                   {"hidden_size", kHidden},
                                                   {"num_hidden_layers", kLayers},
                                                   {"num_attention_heads", kHeads},
                                                   {"num_key_value_heads", kKeyValueHeads},
                                                   {"intermediate_size", kIntermediate},
                                                   {"vocab_size", kVocabulary},
                                                   {"max_position_embeddings", 2048},
                                                   {"rms_norm_eps", 1e-5},
                                                   {"rope_theta", 10000.0},
                                                   {"hidden_act", "silu"},
                                                   {"tie_word_embeddings", true}}
                                        .dump());
  SafetensorsFile file;
  const auto add = [&](const std::string& name, const Shape& shape) {
    file.tensors[name + ".weight"] =
        shape.size() == 1 ? ones(shape) : random_weights(generator, DType::BF16, shape);
  };
  add("model.embed_tokens", {kVocabulary, kHidden});
  add("model.norm", {kHidden});
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    add(layer + "input_layernorm", {kHidden});
    add(layer + "self_attn.q_proj", {kHidden, kHidden});
    add(layer + "self_attn.k_proj", {kKeyValues, kHidden});
    add(layer + "self_attn.v_proj", {kKeyValues, kHidden});
    add(layer + "self_attn.o_proj", {kHidden, kHidden});
    add(layer + "post_attention_layernorm", {kHidden});
    add(layer + "mlp.gate_proj", {kIntermediate, kHidden});
    add(layer + "mlp.up_proj", {kIntermediate, kHidden});
    add(layer + "mlp.down_proj", {kHidden, kIntermediate});
  }
  write_safetensors(folder.file("model/model.safetensors"), file);
}

void write_adapter_and_batch(const TemporaryFolder& folder, std::mt19937_64& generator) {
  folder.write("adapter/adapter_config.json",
               nlohmann::json{{"peft_type", "LORA"},
                              {"task_type", "CAUSAL_LM"},
                              {"r", kRank},
                              {"lora_alpha", 2 * kRank},
                              {"target_modules", {"q_proj", "v_proj"}}}
                   .dump());
  SafetensorsFile adapter;
  for (std::int64_t i = 0; i < kLayers; ++i) {
    for (const std::string module : {"q_proj", "v_proj"}) {
      const std::string name =
          fmt::format("base_model.model.model.layers.{}.self_attn.{}.", i, module);
      const std::int64_t out = module == "q_proj" ? kHidden : kKeyValues;
      adapter.tensors[name + "lora_A.weight"] =
          random_weights(generator, DType::F32, {kRank, kHidden});
      adapter.tensors[name + "lora_B.weight"] = random_weights(generator, DType::F32, {out, kRank});
    }
  }
  write_safetensors(folder.file("adapter/adapter_model.safetensors"), adapter);
  Tensor tokens(DType::I64, {1, 1, kTokens});
  for (std::int64_t i = 0; i < kTokens; ++i)
    tokens.data<std::int64_t>()[i] =
        static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(kVocabulary));
  write_safetensors(folder.file("batches.safetensors"),
                    {{{"input_ids", tokens}, {"labels", tokens}}, {}});
}

Result step_of_a_model(int rounds) {
  const TemporaryFolder folder;
  std::mt19937_64 generator(14);
  write_model(folder, generator);
  write_adapter_and_batch(folder, generator);
  const Config config = load_config("configs/finetune.yaml",
                                    {"numerics=bf16", "workload.model=" + folder.file("model"),
                                     "workload.adapter=" + folder.file("adapter"),
                                     "workload.batches=" + folder.file("batches.safetensors")});
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const double before = cpu_seconds();
    finetune(config);
    seconds.push_back(cpu_seconds() - before);
  }
  return {"reference, step of a 135 M LLaMA",
          median(seconds),
          "s of CPU",
          Result::Bar::AtMost,
          4,
          fmt::format("bf16, 1 x {} tokens, LoRA of rank {} on q and v, median of {}", kTokens,
                      kRank, rounds)};
}

/// x[rows, depth] . w[columns, depth]^T as the reference and as the cycle model's array compute it.
class Product {
 public:
  Product(std::int64_t rows, std::int64_t depth, std::int64_t columns)
      : macs_(static_cast<double>(rows * depth * columns)),
        local_{{kLanes, lines(rows + columns, depth), true}, {kLanes, lines(rows, columns), true}} {
    std::mt19937_64 generator(14);
    values_["x"] = random_weights(generator, DType::BF16, {rows, depth});
    values_["w"] = random_weights(generator, DType::BF16, {columns, depth});
    const ValueId x = add_value(graph_, {"x", {rows, depth}, DType::BF16, Role::kInput});
    const ValueId w = add_value(graph_, {"w", {columns, depth}, DType::BF16, Role::kFrozen});
    add_contraction(graph_, "y", {{x, false, w, true, {}}}, 1.0f, {}, DType::F32, Role::kResult);

    command_.rows = command_.stream_stride = command_.accumulator_stride =
        static_cast<std::uint32_t>(rows);
    command_.depth = static_cast<std::uint32_t>(depth);
    command_.columns = command_.stationary_stride = static_cast<std::uint32_t>(columns);
    command_.stationary_transposed = 1;
    command_.stationary_line = lines(rows, depth);
    place("x", rows, depth, 0);
    place("w", columns, depth, command_.stationary_line);
  }

  double reference_macs_per_s() {
    const double before = cpu_seconds();
    execute(graph_, Numerics::kBf16, values_);
    return macs_ / (cpu_seconds() - before);
  }
  double kernel_macs_per_s() {
    const double before = cpu_seconds();
    kernel_.run(command_, local_);
    return macs_ / (cpu_seconds() - before);
  }
  /// Whether both have computed the same bits.
  bool equal() {
    const auto rows = static_cast<std::uint32_t>(command_.rows);
    const float* y = values_.at("y").data<float>();
    for (std::uint32_t i = 0; i < rows; ++i)
      for (std::uint32_t j = 0; j < command_.columns; ++j)
        if (bits_of(y[i * command_.columns + j]) !=
            bits_of(local_.accumulator.line(j / kLanes * rows + i)[j % kLanes]))
          return false;
    return true;
  }

 private:
  static constexpr int kLanes = 32;

  static std::uint32_t lines(std::int64_t rows, std::int64_t columns) {
    return static_cast<std::uint32_t>(rows * ((columns + kLanes - 1) / kLanes));
  }
  // Panels of a line's width (rtl/README.md).
  void place(const std::string& name, std::int64_t rows, std::int64_t columns, std::uint32_t line) {
    const auto* elements = values_.at(name).data<std::uint16_t>();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        local_.scratchpad.line(line +
                               static_cast<std::uint32_t>(j / kLanes * rows + i))[j % kLanes] =
            elements[i * columns + j];
  }

  double macs_;
  Graph graph_;
  TensorMap values_;
  cycle_model::LocalMemories local_;
  cycle_model::GemmKernel kernel_;
  interface::GemmCommand command_;
};

Result products(int rounds) {
  std::vector<double> ratios, speeds;
  for (const auto& [depth, columns] :
       {std::pair{kHidden, kHidden}, {kHidden, kIntermediate}, {kIntermediate, kHidden}}) {
    Product product(kTokens, depth, columns);
    for (int round = 0; round < 10 * rounds; ++round) {
      const double kernel = product.kernel_macs_per_s();
      speeds.push_back(product.reference_macs_per_s());
      ratios.push_back(speeds.back() / kernel);
    }
    if (!product.equal()) throw MachineError("reference and cycle model compute other products");
  }
  return {"reference's products",
          median(ratios),
          "x cycle model",
          Result::Bar::AtLeast,
          1,
          fmt::format("those of its layers, {:.1f} G MACs/CPU s, median of {}",
                      median(speeds) * 1e-9, ratios.size())};
}

}  // namespace

std::vector<Result> reference_speed(int rounds) {
  return {step_of_a_model(rounds), products(rounds)};
}

}  // namespace corank::bench
