// Linear4bit and Linear8bitLt of bitsandbytes, as transformers saves them.
#include <cstring>

#include "host/huggingface/json_object.h"
#include "host/quantized/packed_folder.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/base/text.h"

namespace corank {
namespace {

constexpr const char* kNf4State = "weight.quant_state.bitsandbytes__nf4";
constexpr const char* kFp4State = "weight.quant_state.bitsandbytes__fp4";
constexpr int kStateDepth = 4;
constexpr std::int64_t kMostBlock = 1 << 20;

/// The JSON in a tensor of bytes: what Params4bit has besides tensors.
JsonObject read_state(const PackedLinear& linear, const std::string& part) {
  const TensorView& view = *find_part(linear, part);
  const std::string where = part_text(linear, part);
  if (view.type.name != std::string("U8") || view.shape.size() != 1)
    throw InputError(where + ": expected U8 of one dimension, found " + view.type.name + " " +
                     to_string(view.shape));
  const std::string text(reinterpret_cast<const char*>(view.data),
                         static_cast<std::size_t>(view.shape[0]));
  if (find_json_fault(text, kStateDepth))
    throw InputError(where + ": expected a JSON object, found " + printable(text, 60));
  return {Json::parse(text), where};
}

void check_state(const PackedLinear& linear, const JsonObject& state, const std::string& type) {
  if (state.text("quant_type") != type) state.refuse("quant_type", "\"" + type + "\"");
  const Json shape = linear.shape;
  if (!state.has("shape") || state.json().at("shape") != shape)
    state.refuse("shape", to_string(linear.shape));
}

StorageFormat format_of(const JsonObject& state, ElementCode code) {
  StorageFormat format;
  format.code = code;
  format.block = state.integer("blocksize", 1, kMostBlock);
  if (!state.has("nested_blocksize")) return format;
  format.scale = DType::U8;
  format.nested_block = state.integer("nested_blocksize", 1, kMostBlock);
  if (state.text_or("nested_dtype", "float32") != "float32")
    state.refuse("nested_dtype", "\"float32\"");
  return format;
}

/// The levels are those that every version of the package computes with; a file with others is of
/// another one. (The sign of a zero is not looked at.)
void check_levels(const PackedLinear& linear, ElementCode code) {
  const char* part = "weight.quant_map";
  const TensorView& view = require_part(linear, part, "F32", {16});
  std::array<float, 16> found{};
  std::memcpy(found.data(), view.data, sizeof found);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!(found[i] == (*levels_of(code))[i]))
      throw InputError(part_text(linear, part) + ": [" + std::to_string(i) + "]: expected " +
                       std::to_string((*levels_of(code))[i]) + ", found " +
                       std::to_string(found[i]));
}

/// The packed bytes may have been saved as elements of a wider type (bnb_4bit_quant_storage).
const TensorView& packed_bytes(const PackedLinear& linear, std::int64_t bytes) {
  const TensorView& view = *find_part(linear, "weight");
  const auto found = safetensors_byte_count(view.type, view.shape).value_or(0);
  if (found != static_cast<std::uint64_t>(bytes))
    throw InputError(part_text(linear, "weight") + ": expected " + std::to_string(bytes) +
                     " bytes of codes for " + to_string(linear.shape) + ", found " +
                     view.type.name + " " + to_string(view.shape));
  return view;
}

QuantizedTensor read_4bit(const PackedLinear& linear, const StorageFormat& format, float offset) {
  QuantizedTensor tensor(format, linear.shape);
  const TensorView& codes = *find_part(linear, "weight");
  copy_part(codes, tensor.codes);
  release(codes);
  // The first code of a byte is in its upper half there.
  for (std::uint8_t& byte : tensor.codes) byte = static_cast<std::uint8_t>(byte << 4 | byte >> 4);
  copy_part(*find_part(linear, "weight.absmax"), tensor.scales.bytes);
  if (format.nested_block == 0) return tensor;
  copy_part(*find_part(linear, "weight.nested_absmax"), tensor.nested_scales);
  copy_part(*find_part(linear, "weight.nested_quant_map"), tensor.nested_map);
  tensor.offset = offset;
  return tensor;
}

PackedWeight weight_4bit(const PackedLinear& linear, const std::string& state_part,
                         ElementCode code) {
  const JsonObject state = read_state(linear, state_part);
  check_state(linear, state, code == ElementCode::kNf4 ? "nf4" : "fp4");
  const StorageFormat format = format_of(state, code);
  check_levels(linear, code);
  packed_bytes(linear, code_bytes(format, linear.shape));
  const std::int64_t blocks = scale_count(format, linear.shape);
  require_part(linear, "weight.absmax", name_of(format.scale), {blocks});
  PackedWeight packed;
  packed.tensors = {"weight", state_part, "weight.absmax", "weight.quant_map"};
  float offset = 0;
  if (format.nested_block > 0) {
    require_part(linear, "weight.nested_absmax", "F32", {nested_scale_count(format, linear.shape)});
    require_part(linear, "weight.nested_quant_map", "F32", {256});
    packed.tensors.insert(packed.tensors.end(),
                          {"weight.nested_absmax", "weight.nested_quant_map"});
    offset = static_cast<float>(state.number("nested_offset"));
  }
  packed.format = format;
  packed.read = [linear, format, offset] { return read_4bit(linear, format, offset); };
  return packed;
}

/// Element = CB * f32(SCB * f32(1/127)), as Linear8bitLt in training; SCB is the largest magnitude
/// of a row.
QuantizedTensor read_int8(const PackedLinear& linear, const StorageFormat& format) {
  const FloatEnvironment environment;
  QuantizedTensor tensor(format, linear.shape);
  const TensorView& codes = *find_part(linear, "weight");
  copy_part(codes, tensor.codes);
  release(codes);
  copy_part(*find_part(linear, "SCB"), tensor.scales.bytes);
  for (std::int64_t i = 0; i < linear.rows(); ++i)
    tensor.scales.data<float>()[i] = tensor.scales.data<float>()[i] * (1.0f / 127.0f);
  return tensor;
}

PackedWeight weight_int8(const PackedLinear& linear) {
  StorageFormat format;
  format.code = ElementCode::kSigned8;
  format.blocks = Blocks::kAlongRow;
  format.block = linear.columns();
  require_part(linear, "weight", "I8", linear.shape);
  require_part(linear, "SCB", "F32", {linear.rows()});
  PackedWeight packed;
  packed.tensors = {"weight", "SCB"};
  if (const TensorView* layout = find_part(linear, "weight_format")) {
    require_part(linear, "weight_format", "U8", {});
    if (*layout->data != std::byte{0})
      throw InputError(part_text(linear, "weight_format") + ": expected 0, row by row, found " +
                       std::to_string(std::to_integer<int>(*layout->data)));
    packed.tensors.emplace_back("weight_format");
  }
  packed.format = format;
  packed.read = [linear, format] { return read_int8(linear, format); };
  return packed;
}

}  // namespace

std::optional<PackedWeight> bitsandbytes_weight(const PackedLinear& linear) {
  const TensorView* weight = find_part(linear, "weight");
  if (weight == nullptr) return std::nullopt;  // load_frozen() says so
  std::optional<PackedWeight> packed;
  if (find_part(linear, kNf4State) != nullptr) {
    packed = weight_4bit(linear, kNf4State, ElementCode::kNf4);
  } else if (find_part(linear, kFp4State) != nullptr) {
    packed = weight_4bit(linear, kFp4State, ElementCode::kFp4);
  } else if (weight->type.name == std::string("I8")) {
    packed = weight_int8(linear);
  } else if (weight->type.name == std::string("U8")) {
    throw InputError(part_text(linear, kNf4State) + " (or __fp4): expected one beside the codes, " +
                     "found no such tensor");
  }
  return packed;
}

}  // namespace corank
