// The modules of small models, written down by hand from Hugging Face's named_modules(), and what
// configurations of adapters mean for them.
#pragma once

#include <string>
#include <vector>

#include "host/huggingface/peft_method.h"
#include "tests/host/temporary_folder.h"

namespace corank::test {

inline const ModelFacts kLlama{"llama", "model.embed_tokens", "lm_head", false};
inline const ModelFacts kBert{"bert", "bert.embeddings.word_embeddings", "classifier", false};

/// Of a file with this peft_type and further keys: ", \"r\": 4".
inline AdapterConfig config_of(const std::string& peft_type, const std::string& keys) {
  const TemporaryFolder folder;
  folder.write("adapter_config.json", "{\"peft_type\": \"" + peft_type + "\"" + keys + "}");
  return read_adapter_config(folder.file(""));
}

/// Its method draws by the seed 7.
inline AdapterPlan plan_of(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                           const ModelFacts& facts) {
  return config.method->plan(config, modules, facts, 7);
}

/// A LLaMA of `layers` layers: hidden 8, intermediate 12, vocabulary 16; no biases.
inline std::vector<ModelModule> llama_modules(int layers) {
  std::vector<ModelModule> modules = {
      {"model", std::nullopt, {}, false},
      {"model.embed_tokens", ModuleKind::kEmbedding, {16, 8}, false},
      {"model.layers", std::nullopt, {}, false}};
  for (int i = 0; i < layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i);
    modules.push_back({layer, std::nullopt, {}, false});
    modules.push_back({layer + ".self_attn", std::nullopt, {}, false});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      modules.push_back({layer + ".self_attn." + name, ModuleKind::kLinear, {8, 8}, false});
    modules.push_back({layer + ".mlp", std::nullopt, {}, false});
    modules.push_back({layer + ".mlp.gate_proj", ModuleKind::kLinear, {12, 8}, false});
    modules.push_back({layer + ".mlp.up_proj", ModuleKind::kLinear, {12, 8}, false});
    modules.push_back({layer + ".mlp.down_proj", ModuleKind::kLinear, {8, 12}, false});
    modules.push_back({layer + ".input_layernorm", ModuleKind::kNorm, {8}, false});
    modules.push_back({layer + ".post_attention_layernorm", ModuleKind::kNorm, {8}, false});
  }
  modules.push_back({"model.norm", ModuleKind::kNorm, {8}, false});
  modules.push_back({"lm_head", ModuleKind::kLinear, {16, 8}, false});
  return modules;
}

/// A BERT of one layer for classification; every linear and LayerNorm has a bias.
inline std::vector<ModelModule> bert_modules() {
  const std::string layer = "bert.encoder.layer.0";
  return {{"bert", std::nullopt, {}, false},
          {"bert.embeddings", std::nullopt, {}, false},
          {"bert.embeddings.word_embeddings", ModuleKind::kEmbedding, {16, 8}, false},
          {"bert.embeddings.position_embeddings", ModuleKind::kEmbedding, {10, 8}, false},
          {"bert.embeddings.token_type_embeddings", ModuleKind::kEmbedding, {2, 8}, false},
          {"bert.embeddings.LayerNorm", ModuleKind::kNorm, {8}, true},
          {layer + ".attention", std::nullopt, {}, false},
          {layer + ".attention.self.query", ModuleKind::kLinear, {8, 8}, true},
          {layer + ".attention.self.key", ModuleKind::kLinear, {8, 8}, true},
          {layer + ".attention.self.value", ModuleKind::kLinear, {8, 8}, true},
          {layer + ".attention.output.dense", ModuleKind::kLinear, {8, 8}, true},
          {layer + ".attention.output.LayerNorm", ModuleKind::kNorm, {8}, true},
          {layer + ".intermediate.dense", ModuleKind::kLinear, {12, 8}, true},
          {layer + ".output.dense", ModuleKind::kLinear, {8, 12}, true},
          {layer + ".output.LayerNorm", ModuleKind::kNorm, {8}, true},
          {"bert.pooler", std::nullopt, {}, false},
          {"bert.pooler.dense", ModuleKind::kLinear, {8, 8}, true},
          {"classifier", ModuleKind::kLinear, {3, 8}, true}};
}

}  // namespace corank::test
