#include "host/quantized/quantization_config.h"

#include <algorithm>

#include "host/huggingface/known_keys.h"
#include "models/base/error.h"

namespace corank {
namespace {

// Where "harmless" is said of what a library computes with (a type, a kernel), corank's numerics
// say that; of how a file was made, the file says what came of it.

const KnownKeys kBitsandbytesKeys = {
    {"quant_method", KeyUse::kHonoured},
    {"load_in_4bit", KeyUse::kHarmless},
    {"_load_in_4bit", KeyUse::kHarmless},
    {"load_in_8bit", KeyUse::kHarmless},
    {"_load_in_8bit", KeyUse::kHarmless},
    {"bnb_4bit_quant_type", KeyUse::kHarmless},
    {"bnb_4bit_use_double_quant", KeyUse::kHarmless},
    {"bnb_4bit_compute_dtype", KeyUse::kHarmless},
    {"bnb_4bit_quant_storage", KeyUse::kHarmless},
    {"llm_int8_threshold", KeyUse::kHarmless},
    {"llm_int8_has_fp16_weight", KeyUse::kRefused},
    {"llm_int8_enable_fp32_cpu_offload", KeyUse::kHarmless},
    {"llm_int8_skip_modules", KeyUse::kHarmless},
    {"modules_to_not_convert", KeyUse::kHarmless},
};

const KnownKeys kGptqKeys = {
    {"quant_method", KeyUse::kHonoured},
    {"bits", KeyUse::kHonoured},
    {"group_size", KeyUse::kHonoured},
    {"desc_act", KeyUse::kHonoured},
    {"checkpoint_format", KeyUse::kHonoured},
    {"format", KeyUse::kHonoured},
    {"is_marlin_format", KeyUse::kRefused},
    {"act_group_aware", KeyUse::kHarmless},
    {"sym", KeyUse::kHarmless},  // the zeros say it
    {"static_groups", KeyUse::kHarmless},
    {"true_sequential", KeyUse::kHarmless},
    {"damp_percent", KeyUse::kHarmless},
    {"damp_auto_increment", KeyUse::kHarmless},
    {"lm_head", KeyUse::kHarmless},
    {"pack_dtype", KeyUse::kRefused, "\"int32\""},
    {"dynamic", KeyUse::kRefused},
    {"modules_in_block_to_quantize", KeyUse::kHarmless},
    {"modules_to_not_convert", KeyUse::kHarmless},
    {"model_name_or_path", KeyUse::kHarmless},
    {"model_file_base_name", KeyUse::kHarmless},
    {"quantizer", KeyUse::kHarmless},
    {"meta", KeyUse::kHarmless},
    {"tokenizer", KeyUse::kHarmless},
    {"dataset", KeyUse::kHarmless},
    {"backend", KeyUse::kHarmless},
    {"use_exllama", KeyUse::kHarmless},
    {"disable_exllama", KeyUse::kHarmless},
    {"exllama_config", KeyUse::kHarmless},
    {"use_cuda_fp16", KeyUse::kHarmless},
    {"max_input_length", KeyUse::kHarmless},
    {"model_seqlen", KeyUse::kHarmless},
    {"block_name_to_quantize", KeyUse::kHarmless},
    {"module_name_preceding_first_block", KeyUse::kHarmless},
    {"batch_size", KeyUse::kHarmless},
    {"pad_token_id", KeyUse::kHarmless},
    {"cache_block_outputs", KeyUse::kHarmless},
};

const KnownKeys kAwqKeys = {
    {"quant_method", KeyUse::kHonoured},   {"bits", KeyUse::kHonoured},
    {"w_bit", KeyUse::kHonoured},          {"group_size", KeyUse::kHonoured},
    {"q_group_size", KeyUse::kHonoured},   {"version", KeyUse::kHonoured},
    {"zero_point", KeyUse::kHonoured},     {"backend", KeyUse::kHarmless},
    {"do_fuse", KeyUse::kRefused},         {"fuse_max_seq_len", KeyUse::kHarmless},
    {"modules_to_fuse", KeyUse::kRefused}, {"modules_to_not_convert", KeyUse::kHarmless},
    {"exllama_config", KeyUse::kHarmless},
};

const KnownKeys kCompressedTensorsKeys = {
    {"quant_method", KeyUse::kHonoured},
    {"format", KeyUse::kHonoured},
    {"config_groups", KeyUse::kHonoured},
    {"quantization_status", KeyUse::kHonoured},
    {"ignore", KeyUse::kHarmless},  // what is not packed lies there plain
    {"global_compression_ratio", KeyUse::kHarmless},
    {"version", KeyUse::kHarmless},
    {"run_compressed", KeyUse::kHarmless},
    {"dtype", KeyUse::kHarmless},
    {"kv_cache_scheme", KeyUse::kRefused},
    {"sparsity_config", KeyUse::kRefused},
    {"transform_config", KeyUse::kRefused},
};

const KnownKeys kWeightKeys = {
    {"num_bits", KeyUse::kHonoured},    {"type", KeyUse::kHonoured},
    {"symmetric", KeyUse::kHonoured},   {"strategy", KeyUse::kHonoured},
    {"group_size", KeyUse::kHonoured},  {"dynamic", KeyUse::kRefused},
    {"actorder", KeyUse::kRefused},     {"block_structure", KeyUse::kRefused},
    {"observer", KeyUse::kHarmless},    {"observer_kwargs", KeyUse::kHarmless},
    {"scale_dtype", KeyUse::kHarmless}, {"zp_dtype", KeyUse::kHarmless},
};

void check_keys(const JsonObject& config, const KnownKeys& known, std::vector<std::string>& notes) {
  for (std::string& note : notes_of_keys(config, known)) notes.push_back(std::move(note));
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
  read.by_activations = config.boolean_or("desc_act", false);
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
