#include "host/verify/drawn_packing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "host/compiler/packed_layout.h"
#include "host/compiler/streamed_weights.h"
#include "models/base/numerics.h"
#include "models/numerics/convert.h"
#include "models/quantized/quantize.h"

namespace corank {
namespace draw {
namespace {

constexpr std::array<ElementCode, 4> kCodes = {ElementCode::kNf4, ElementCode::kFp4,
                                               ElementCode::kUnsigned4, ElementCode::kSigned8};

StorageFormat format_of_parts(Random& random, const Shape& shape) {
  StorageFormat format;
  format.code = one_of(random, kCodes);
  format.arithmetic = one_of(random, std::array<DType, 3>{DType::F32, DType::F16, DType::BF16});
  format.scale =
      one_of(random, std::array<DType, 4>{DType::F32, DType::F16, DType::BF16, DType::U8});
  format.blocks = chance(random, 2) ? Blocks::kFlat : Blocks::kAlongRow;
  format.block = one_of(random, std::array<std::int64_t, 8>{32, 64, 128, 192, 256, 4096, shape[1],
                                                            element_count(shape)});
  if (format.scale == DType::U8) {  // of which device_format_of() takes one kind
    format.blocks = Blocks::kFlat;
    format.block = 64;
    format.nested_block = 256;
  }
  if (levels_of(format.code) == nullptr) {
    format.zeros = format.nested_block == 0 && chance(random, 2);
    if (!format.zeros)
      format.zero = one_of(random, std::array<int, 3>{0, 8, int_between(random, -128, 127)});
  }
  format.minimums = chance(random, 3);
  return format;
}

// What a part of a packed weight is in the numbers of its dtype.
void put_number(Tensor& tensor, std::int64_t place, float number) {
  if (tensor.dtype == DType::F32) {
    tensor.data<float>()[place] = number;
  } else {
    tensor.data<std::uint16_t>()[place] =
        tensor.dtype == DType::F16 ? round_to_f16(number) : round_to_bf16(number);
  }
}

// A subnormal number of the dtype.
void put_subnormal(Random& random, Tensor& tensor, std::int64_t place) {
  const std::uint64_t drawn = random();
  if (tensor.dtype == DType::F32) {
    tensor.data<std::uint32_t>()[place] = static_cast<std::uint32_t>(drawn) & 0x807FFFFFu;
  } else {
    const unsigned mask = tensor.dtype == DType::F16 ? 0x83FFu : 0x807Fu;
    tensor.data<std::uint16_t>()[place] = static_cast<std::uint16_t>(drawn & mask);
  }
}

// Normally distributed; of a rough tensor one in six is a zero, a subnormal number or a large one.
void fill(Random& random, Tensor& tensor, float size, bool rough) {
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
    const float number = size * normal(random);
    put_number(tensor, i, number);
    if (!rough || !chance(random, 6)) continue;
    switch (between(random, 0, 2)) {
      case 0:
        put_number(tensor, i, number < 0 ? -0.0f : 0.0f);
        break;
      case 1:
        put_subnormal(random, tensor, i);
        break;
      default:
        put_number(tensor, i, 0x1p10f * number);
    }
  }
}

std::vector<float> drawn_numbers(Random& random, std::int64_t count, float size, bool rough) {
  Tensor numbers(DType::F32, {count});
  fill(random, numbers, size, rough);
  return {numbers.data<float>(), numbers.data<float>() + count};
}

void fill(Random& random, std::vector<std::uint8_t>& bytes) {
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
}

// Codes of any kind, with scales that make elements of about this size of most of them.
QuantizedTensor drawn_tensor(Random& random, const StorageFormat& format, const Shape& shape) {
  constexpr float kSize = 0.1f;
  QuantizedTensor tensor(format, shape);
  const bool rough = chance(random, 3);
  const float levels = levels_of(format.code) != nullptr ? 1.0f
                       : code_bits(format.code) == 4     ? 8.0f
                                                         : 128.0f;
  fill(random, tensor.codes);
  fill(random, tensor.zeros);
  if (format.minimums) fill(random, tensor.minimums, kSize, rough);
  if (format.nested_block == 0) {
    fill(random, tensor.scales, kSize / levels, rough);
    return tensor;
  }
  for (std::int64_t i = 0; i < element_count(tensor.scales.shape); ++i)
    tensor.scales.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random());
  const auto map_size = static_cast<std::int64_t>(tensor.nested_map.size());
  tensor.nested_map =
      chance(random, 2) ? dynamic_map() : drawn_numbers(random, map_size, 1.0f, rough);
  tensor.nested_scales = drawn_numbers(
      random, static_cast<std::int64_t>(tensor.nested_scales.size()), kSize / levels, rough);
  tensor.offset = drawn_numbers(random, 1, kSize / levels, rough).front();
  return tensor;
}

// The quantizer that makes this format; kNone: none does.
Quantizer quantizer_of(const StorageFormat& format, const Shape& shape) {
  for (const Quantizer quantizer : quantizers())
    if (quantizer != Quantizer::kNone && format_of(quantizer, shape) == format) return quantizer;
  return Quantizer::kNone;
}

}  // namespace

Packing::Packing(const DrawnCase& drawn)
    : random_(drawn.seed ^ 0x5061636B6564),
      large_(drawn.config.machine.array_rows * drawn.config.machine.array_columns >= 12),
      wanted_(drawn.config.machine.decoder != 0 && chance(random_, 3)) {}

std::optional<std::int64_t> Packing::wide_size() {
  if (!large_ || chance(random_, 2)) return std::nullopt;
  return one_of(random_, std::array<std::int64_t, 8>{64, 64, 65, 96, 128, 130, 192, 200});
}

StorageFormat Packing::format(const Shape& shape) {
  for (;;) {
    const Quantizer quantizer = one_of(random_, quantizers());
    const StorageFormat drawn = quantizer == Quantizer::kNone || chance(random_, 2)
                                    ? format_of_parts(random_, shape)
                                    : format_of(quantizer, shape);
    if (device_format_of(drawn, shape).fields) return drawn;
  }
}

std::vector<bool> Packing::some_of(std::size_t count) {
  std::vector<bool> some(count);
  for (std::size_t i = 0; i < count; ++i) some[i] = chance(random_, 2);
  if (count > 0) some[random_() % count] = true;
  return some;
}

bool Packing::pack_some(Graph& graph) {
  const std::vector<bool> on_the_right = streamed_values(graph, DefUse(graph));
  std::vector<Value*> weights;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (on_the_right[id] && value.shape.size() == 2) weights.push_back(&value);
  }
  const std::vector<bool> packed = some_of(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (packed[i]) weights[i]->storage = format(weights[i]->shape);
  return !weights.empty();
}

QuantizedMap Packing::take(const Graph& graph, TensorMap& values) {
  QuantizedMap packed;
  for (const Value& value : graph.values) {
    if (!value.storage) continue;
    const auto numbers = values.extract(value.name);
    const Quantizer quantizer = quantizer_of(*value.storage, value.shape);
    packed.emplace(value.name, quantizer == Quantizer::kNone || chance(random_, 3)
                                   ? drawn_tensor(random_, *value.storage, value.shape)
                                   : quantize(converted(numbers.mapped(), DType::F32), quantizer));
  }
  return packed;
}

void Packing::plant_more(DrawnCase& drawn) {
  if (drawn.planted.empty() || !chance(random_, 2)) return;
  TensorMap parts;
  std::map<std::string, Tensor*> places;
  const auto add = [&](const std::string& name, Tensor& tensor) {
    if (tensor.dtype == DType::U8 || tensor.bytes.empty()) return;
    places[name] = &tensor;
    parts[name] = std::move(tensor);
  };
  for (auto& [name, tensor] : drawn.packed) {
    add("scales of " + name, tensor.scales);
    add("minimums of " + name, tensor.minimums);
  }
  if (parts.empty()) return;
  drawn.planted += " and " + plant(random_, parts);
  for (const auto& [name, place] : places) *place = std::move(parts.at(name));
}

}  // namespace draw

std::string describe_packed(const DrawnCase& drawn) {
  std::string text;
  for (const auto& [name, tensor] : drawn.packed) {
    const StorageFormat& format = tensor.format;
    text += (text.empty() ? "; packed: " : "; ") + name + " as " + to_string(format);
    if (format.zero != 0) text += ", zero " + std::to_string(format.zero);
    if (format.arithmetic != DType::F32)
      text += std::string(", computed in ") + name_of(format.arithmetic);
  }
  return text;
}

}  // namespace corank
