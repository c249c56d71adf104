#include "host/quantized/gguf_model.h"

#include <algorithm>
#include <cstring>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/base/text.h"
#include "models/numerics/convert.h"
#include "models/quantized/decode.h"

namespace corank {
namespace {

constexpr std::int64_t kMostSize = 1 << 24, kMostBlocks = 1 << 16;
constexpr const char* kHeadCount = "llama.attention.head_count";
constexpr const char* kKvHeadCount = "llama.attention.head_count_kv";

struct NamePair {
  const char *gguf, *hugging_face;
};
constexpr NamePair kNamesOfModel[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr NamePair kNamesOfLayer[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"}};

/// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"; what has no name there keeps
/// its own.
std::string hugging_face_name(const std::string& name) {
  const std::size_t last = name.rfind('.');
  if (last == std::string::npos) return name;
  const std::string module = name.substr(0, last), parameter = name.substr(last);
  for (const NamePair& pair : kNamesOfModel)
    if (module == pair.gguf) return pair.hugging_face + parameter;
  const std::size_t dot = module.rfind('.');
  if (module.compare(0, 4, "blk.") != 0 || dot < 4) return name;
  for (const NamePair& pair : kNamesOfLayer)
    if (module.substr(dot + 1) == pair.gguf)
      return "model.layers." + module.substr(4, dot - 4) + "." + pair.hugging_face + parameter;
  return name;
}

std::optional<StorageFormat> format_of_type(const GgufType& type) {
  StorageFormat format;
  format.blocks = Blocks::kAlongRow;
  format.block = type.block;
  format.scale = DType::F16;
  format.code = ElementCode::kUnsigned4;
  if (type.number == kGgufQ4_0.number) {
    format.zero = 8;
  } else if (type.number == kGgufQ4_1.number) {
    format.minimums = true;
  } else if (type.number == kGgufQ8_0.number) {
    format.code = ElementCode::kSigned8;
  } else {
    return std::nullopt;
  }
  return format;
}

/// A block of a row: scale, minimum, codes. Of 4 bits the first half of the codes is in the lower
/// halves of the bytes.
void read_block(const std::byte* data, std::int64_t block, std::int64_t first,
                QuantizedTensor& tensor) {
  const StorageFormat& format = tensor.format;
  std::memcpy(tensor.scales.bytes.data() + 2 * block, data, 2);
  data += 2;
  if (format.minimums) {
    std::memcpy(tensor.minimums.bytes.data() + 2 * block, data, 2);
    data += 2;
  }
  const int bits = code_bits(format.code);
  for (std::int64_t i = 0; i < format.block; ++i) {
    const std::int64_t half = format.block / 2;
    const auto byte = std::to_integer<unsigned>(data[bits == 8 ? i : i % half]);
    put_code(tensor.codes, bits, first + i, bits == 8 ? byte : i < half ? byte & 0xFu : byte >> 4);
  }
}

float number_in(const std::byte* data, const GgufType& type) {
  if (type.number == kGgufF32.number) {
    float number = 0;
    std::memcpy(&number, data, 4);
    return number;
  }
  std::uint16_t half = 0;
  std::memcpy(&half, data, 2);
  return type.number == kGgufF16.number ? widen_f16(half) : widen(half);
}

/// The rotary embedding, which all rows of a head take part in.
RopeParameters rope_of(const MappedGguf& file, std::int64_t head_dim) {
  for (const char* key : {"llama.rope.dimension_count", "llama.attention.value_length"})
    if (file.has(key) && file.integer(key, 1, kMostSize) != head_dim)
      file.refuse(key, std::to_string(head_dim) + ", the size of a head");
  if (file.tensors().count("rope_freqs.weight") > 0)
    throw InputError(file.path() + ": tensor 'rope_freqs.weight': expected no such tensor (a " +
                     "rotary embedding with factors is not supported), found one");
  RopeParameters rope;
  if (file.has("llama.rope.freq_base")) rope.theta = file.positive("llama.rope.freq_base");
  const std::string type = "llama.rope.scaling.type";
  if (!file.has(type) || file.text(type) == "none") return rope;
  if (file.text(type) != "linear") file.refuse(type, "\"none\" or \"linear\"");
  rope.type = "linear";
  rope.factor = file.positive("llama.rope.scaling.factor");
  return rope;
}

}  // namespace

GgufWeights::GgufWeights(const std::string& path) : file_(path) {
  for (const auto& entry : file_.tensors()) {
    const std::string name = hugging_face_name(entry.first);
    if (!names_.emplace(name, entry.first).second)
      throw InputError(path + ": tensor " + quote(entry.first) + " is there twice, by two names");
  }
  if (file_.has(kHeadCount)) heads_ = file_.integer(kHeadCount, 1, kMostSize);
  kv_heads_ = file_.has(kKvHeadCount) ? file_.integer(kKvHeadCount, 1, kMostSize) : heads_;
}

ModelConfig GgufWeights::model(const std::string& task_type) const {
  const std::string architecture = "general.architecture";
  if (file_.text(architecture) != "llama") file_.refuse(architecture, "\"llama\"");
  if (task_type == "SEQ_CLS")
    throw InputError(where() + ": expected an adapter of task_type \"CAUSAL_LM\" or null for a " +
                     "GGUF file, found \"SEQ_CLS\"");
  if (file_.has("llama.expert_count") && file_.integer("llama.expert_count", 0, kMostSize) != 0)
    file_.refuse("llama.expert_count", "0 or no such key");
  LlamaShape shape;
  shape.hidden = file_.integer("llama.embedding_length", 1, kMostSize);
  shape.intermediate = file_.integer("llama.feed_forward_length", 1, kMostSize);
  shape.layers = file_.integer("llama.block_count", 1, kMostBlocks);
  shape.heads = file_.integer(kHeadCount, 1, kMostSize);
  shape.kv_heads = kv_heads_;
  if (shape.heads % shape.kv_heads != 0)
    file_.refuse(kKvHeadCount, "a divisor of the " + std::to_string(shape.heads) + " heads");
  const std::string key_length = "llama.attention.key_length";
  if (!file_.has(key_length) && shape.hidden % shape.heads != 0)
    file_.refuse(kHeadCount, "a divisor of the embedding length, " + std::to_string(shape.hidden));
  shape.head_dim =
      file_.has(key_length) ? file_.integer(key_length, 1, kMostSize) : shape.hidden / shape.heads;
  if (shape.head_dim % 2 != 0)
    throw InputError(where() + ": expected an even size of a head, found " +
                     std::to_string(shape.head_dim));
  shape.rms_norm_eps = file_.positive("llama.attention.layer_norm_rms_epsilon");
  shape.rope = rope_of(file_, shape.head_dim);
  const auto table = names_.find("model.embed_tokens.weight");
  if (table == names_.end())
    throw InputError(where() + ": tensor 'token_embd.weight': expected one, found no such tensor");
  shape.vocabulary = file_.tensors().at(table->second).shape.front();
  if (shape.vocabulary > kMostSize)
    throw InputError(where() + ": tensor 'token_embd.weight': expected at most " +
                     std::to_string(kMostSize) + " rows, found " +
                     std::to_string(shape.vocabulary));
  shape.tied_embeddings = names_.count("lm_head.weight") == 0;
  shape.attention_bias = names_.count("model.layers.0.self_attn.q_proj.bias") > 0;
  shape.mlp_bias = names_.count("model.layers.0.mlp.gate_proj.bias") > 0;
  const std::string padding = "tokenizer.ggml.padding_token_id";
  if (file_.has(padding)) {
    const std::int64_t id = file_.integer(padding, 0, std::int64_t{1} << 32);
    if (id < shape.vocabulary) shape.pad_token_id = id;  // llama.cpp writes 2^32 - 1 for "none"
  }
  ModelConfig model;
  model.file = where();
  model.shape = shape;
  return model;
}

std::vector<std::string> GgufWeights::names() const {
  std::vector<std::string> names;
  for (const auto& entry : names_) names.push_back(entry.first);
  return names;
}

bool GgufWeights::has(const std::string& name, const std::string& /*prefix*/) const {
  return names_.count(name) > 0;
}

const GgufTensor& GgufWeights::require(const std::string& name, const Shape& shape) const {
  const auto found = names_.find(name);
  const std::string expected = ": expected shape " + to_string(shape) + ", found ";
  if (found == names_.end())
    throw InputError(where() + ": tensor " + quote(name) + expected + "no such tensor");
  const GgufTensor& tensor = file_.tensors().at(found->second);
  if (tensor.shape != shape)
    throw InputError(where() + ": tensor " + quote(found->second) + expected +
                     to_string(tensor.shape));
  return tensor;
}

std::int64_t GgufWeights::file_row(const std::string& name, std::int64_t rows,
                                   std::int64_t row) const {
  std::int64_t heads = 0;
  if (name.find(".q_proj.") != std::string::npos) heads = heads_;
  if (name.find(".k_proj.") != std::string::npos) heads = kv_heads_;
  if (heads == 0 || rows % (2 * heads) != 0) return row;
  // Row i of half h of a head is there 2 i + h of it.
  const std::int64_t size = rows / heads, half = size / 2, in_head = row % size;
  return row - in_head + in_head % half * 2 + in_head / half;
}

QuantizedTensor GgufWeights::read_packed(const std::string& name, const Shape& shape) const {
  const GgufTensor& tensor = require(name, shape);
  QuantizedTensor packed(*format_of_type(tensor.type), shape);
  const std::int64_t row_blocks = shape[1] / tensor.type.block;
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    const std::int64_t there = file_row(name, shape[0], row);
    for (std::int64_t b = 0; b < row_blocks; ++b)
      read_block(tensor.data + (there * row_blocks + b) * tensor.type.block_bytes,
                 row * row_blocks + b, row * shape[1] + b * tensor.type.block, packed);
  }
  release_mapped(tensor.data, tensor.bytes);
  return packed;
}

Tensor GgufWeights::read_plain(const std::string& name, const GgufTensor& tensor,
                               DType dtype) const {
  Tensor wide(DType::F32, tensor.shape);
  const std::int64_t rows = tensor.shape.front();
  const std::int64_t columns = tensor.shape.size() == 1 ? 1 : tensor.shape.back();
  const auto size = static_cast<std::int64_t>(tensor.type.block_bytes);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::byte* there = tensor.data + file_row(name, rows, row) * columns * size;
    for (std::int64_t i = 0; i < columns; ++i)
      wide.data<float>()[row * columns + i] = number_in(there + i * size, tensor.type);
  }
  release_mapped(tensor.data, tensor.bytes);
  return dtype == DType::F32 ? wide : converted(wide, dtype);
}

Tensor GgufWeights::read(const std::string& name, const std::string& /*prefix*/, const Shape& shape,
                         DType dtype) const {
  const GgufTensor& tensor = require(name, shape);
  if (!format_of_type(tensor.type)) return read_plain(name, tensor, dtype);
  if (shape.size() != 2)
    throw InputError(where() + ": tensor " + quote(name) + ": expected F32, F16 or BF16, found " +
                     tensor.type.name);
  return decoded(read_packed(name, shape), dtype);
}

PackedWeights GgufWeights::packed(const Transformer& transformer) const {
  PackedWeights packed;
  for (const Module& module : transformer.modules) {
    const Value& weight = transformer.graph.value(module.weight);
    if (module.kind != ModuleKind::kLinear || weight.name != module.name + ".weight") continue;
    const GgufTensor& tensor = require(weight.name, weight.shape);
    const std::optional<StorageFormat> format = format_of_type(tensor.type);
    if (!format) continue;
    packed[weight.name] = {
        *format,
        [this, name = weight.name, shape = weight.shape] { return read_packed(name, shape); },
        {weight.name}};
  }
  return packed;
}

}  // namespace corank
