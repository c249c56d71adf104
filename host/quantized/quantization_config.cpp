#include "host/quantized/quantization_config.h"

#include <algorithm>

#include "host/huggingface/known_keys.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

constexpr KeyUse kHonoured = KeyUse::kHonoured;
constexpr KeyUse kHarmless = KeyUse::kHarmless;
constexpr KeyUse kRefused = KeyUse::kRefused;

// Where "harmless" is said of what a library computes with (a type, a kernel), corank's numerics
// say that; of how a file was made, the file says what came of it.

const KnownKeys kBitsandbytesKeys = {
    {"quant_method", kHonoured},
    {"load_in_4bit", kHarmless},
    {"_load_in_4bit", kHarmless},
    {"load_in_8bit", kHarmless},
    {"_load_in_8bit", kHarmless},
    {"bnb_4bit_quant_type", kHarmless},
    {"bnb_4bit_use_double_quant", kHarmless},
    {"bnb_4bit_compute_dtype", kHarmless},
    {"bnb_4bit_quant_storage", kHarmless},
    {"llm_int8_threshold", kHarmless},
    {"llm_int8_has_fp16_weight", kRefused},
    {"llm_int8_enable_fp32_cpu_offload", kHarmless},
    {"llm_int8_skip_modules", kHarmless},
    {"modules_to_not_convert", kHarmless},
};

const KnownKeys kGptqKeys = {
    {"quant_method", kHonoured},
    {"bits", kHonoured},
    {"group_size", kHonoured},
    {"desc_act", kHonoured},
    {"checkpoint_format", kHonoured},
    {"format", kHonoured},
    {"is_marlin_format", kRefused},
    {"act_group_aware", kHarmless},
    {"sym", kHarmless},  // the zeros say it
    {"static_groups", kHarmless},
    {"true_sequential", kHarmless},
    {"damp_percent", kHarmless},
    {"damp_auto_increment", kHarmless},
    {"lm_head", kHarmless},
    {"pack_dtype", kRefused, "\"int32\""},
    {"dynamic", kRefused},
    {"modules_in_block_to_quantize", kHarmless},
    {"modules_to_not_convert", kHarmless},
    {"model_name_or_path", kHarmless},
    {"model_file_base_name", kHarmless},
    {"quantizer", kHarmless},
    {"meta", kHarmless},
    {"tokenizer", kHarmless},
    {"dataset", kHarmless},
    {"backend", kHarmless},
    {"use_exllama", kHarmless},
    {"disable_exllama", kHarmless},
    {"exllama_config", kHarmless},
    {"use_cuda_fp16", kHarmless},
    {"max_input_length", kHarmless},
    {"model_seqlen", kHarmless},
    {"block_name_to_quantize", kHarmless},
    {"module_name_preceding_first_block", kHarmless},
    {"batch_size", kHarmless},
    {"pad_token_id", kHarmless},
    {"cache_block_outputs", kHarmless},
};

const KnownKeys kAwqKeys = {
    {"quant_method", kHonoured},   {"bits", kHonoured},
    {"w_bit", kHonoured},          {"group_size", kHonoured},
    {"q_group_size", kHonoured},   {"version", kHonoured},
    {"zero_point", kHonoured},     {"backend", kHarmless},
    {"do_fuse", kRefused},         {"fuse_max_seq_len", kHarmless},
    {"modules_to_fuse", kRefused}, {"modules_to_not_convert", kHarmless},
    {"exllama_config", kHarmless},
};

const KnownKeys kCompressedTensorsKeys = {
    {"quant_method", kHonoured},
    {"format", kHonoured},
    {"config_groups", kHonoured},
    {"quantization_status", kHonoured},
    {"ignore", kHarmless},  // what is not packed lies there plain
    {"global_compression_ratio", kHarmless},
    {"version", kHarmless},
    {"run_compressed", kHarmless},
    {"dtype", kHarmless},
    {"kv_cache_scheme", kRefused},
    {"sparsity_config", kRefused},
    {"transform_config", kRefused},
};

const KnownKeys kWeightKeys = {
    {"num_bits", kHonoured},        {"type", kHonoured},           {"symmetric", kHonoured},
    {"strategy", kHonoured},        {"group_size", kHonoured},     {"dynamic", kRefused},
    {"actorder", kRefused},         {"block_structure", kRefused}, {"observer", kHarmless},
    {"observer_kwargs", kHarmless}, {"scale_dtype", kHarmless},    {"zp_dtype", kHarmless},
};

void check_keys(const JsonObject& config, const KnownKeys& known, std::vector<std::string>& notes) {
  for (std::string& note : check_known_keys(config, known)) notes.push_back(std::move(note));
  const std::vector<std::string> unknown = unknown_keys(config, known);
  if (!unknown.empty())
    notes.push_back(config.where() + ": unknown keys are passed over: " + quote_list(unknown));
}

/// The key by its name today, or by that of the package's first files.
std::string named(const JsonObject& config, const char* today, const char* old) {
  return config.has(today) || !config.has(old) ? today : old;
}

int read_bits(const JsonObject& config, const std::string& key) {
  const std::int64_t bits = config.integer(key, 1, 32);
  if (bits != 4 && bits != 8) config.refuse(key, "4 or 8 bits");
  return static_cast<int>(bits);
}

/// -1 is a whole row.
std::int64_t read_group(const JsonObject& config, const std::string& key) {
  const std::int64_t group = config.integer(key, -1, std::int64_t{1} << 32);
  if (group == 0) config.refuse(key, "-1 (a row) or a number of elements above 0");
  return std::max<std::int64_t>(group, 0);
}

void require_text(const JsonObject& config, const std::string& key, const std::string& preset,
                  const std::vector<std::string>& known) {
  if (!config.has(key) && !preset.empty()) return;
  const std::string text = config.text(key);
  if (std::find(known.begin(), known.end(), text) != known.end()) return;
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "\"" : ", \"") + one + "\"";
  config.refuse(key, known.size() == 1 ? list : "one of " + list);
}

void read_gptq(const JsonObject& config, QuantizationConfig& read) {
  check_keys(config, kGptqKeys, read.notes);
  read.packing = Packing::kGptq;
  read.bits = read_bits(config, "bits");
  read.group = read_group(config, "group_size");
  const std::string format = named(config, "checkpoint_format", "format");
  require_text(config, format, "gptq", {"gptq", "gptq_v2"});
  read.zeros_less_one = config.text_or(format, "gptq") == "gptq";
  // With desc_act the tensors g_idx name the group of each column; those in order are read.
}

void read_awq(const JsonObject& config, QuantizationConfig& read) {
  check_keys(config, kAwqKeys, read.notes);
  read.packing = Packing::kAwq;
  const std::string bits = named(config, "bits", "w_bit");
  read.bits = read_bits(config, bits);
  if (read.bits != 4) config.refuse(bits, "4 bits");
  read.group = read_group(config, named(config, "group_size", "q_group_size"));
  require_text(config, "version", "gemm", {"gemm", "GEMM"});
  if (!config.boolean_or("zero_point", true)) config.refuse("zero_point", "true");
}

void read_compressed_tensors(const JsonObject& config, QuantizationConfig& read) {
  check_keys(config, kCompressedTensorsKeys, read.notes);
  read.packing = Packing::kCompressedTensors;
  require_text(config, "format", "", {"pack-quantized"});
  require_text(config, "quantization_status", "compressed", {"compressed"});
  const JsonObject groups = config.object("config_groups");
  if (groups.json().size() != 1) config.refuse("config_groups", "one group");
  const JsonObject group = groups.object(groups.json().begin().key());
  for (const char* key : {"input_activations", "output_activations"})
    if (group.has(key)) group.refuse(key, "null: weights alone are quantized");
  if (group.has("format")) require_text(group, "format", "", {"pack-quantized"});
  const JsonObject weights = group.object("weights");
  check_keys(weights, kWeightKeys, read.notes);
  read.bits = read_bits(weights, "num_bits");
  require_text(weights, "type", "int", {"int"});
  require_text(weights, "strategy", "", {"group", "channel"});
  read.symmetric = weights.boolean_or("symmetric", true);
  if (weights.text("strategy") == "group") read.group = weights.integer("group_size", 1);
}

}  // namespace

QuantizationConfig read_quantization_config(const JsonObject& config) {
  QuantizationConfig read;
  read.where = config.where();
  const std::string method = config.text("quant_method");
  if (method == "bitsandbytes") {
    check_keys(config, kBitsandbytesKeys, read.notes);
  } else if (method == "gptq") {
    read_gptq(config, read);
  } else if (method == "awq") {
    read_awq(config, read);
  } else if (method == "compressed-tensors") {
    read_compressed_tensors(config, read);
  } else {
    config.refuse("quant_method", "\"bitsandbytes\", \"gptq\", \"awq\" or \"compressed-tensors\"");
  }
  return read;
}

}  // namespace corank
