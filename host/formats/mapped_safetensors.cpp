#include "host/formats/mapped_safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

float from_f16(std::uint16_t half) { return canonical(widen_f16(half)); }

std::uint16_t u16_at(const std::byte* data, std::size_t i) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, data + 2 * i, 2);
  return bits;
}

[[noreturn]] void refuse_dtype(const TensorView& view, const std::string& what) {
  throw InputError(what + ": expected F32, F16 or BF16, found " + view.type.name);
}

}  // namespace

MappedSafetensors::MappedSafetensors(const std::string& path) : path_(path), file_(path) {
  const std::string_view bytes(reinterpret_cast<const char*>(file_.data()), file_.size());
  const std::uint64_t header_bytes =
      safetensors_header_length(path, bytes.substr(0, kSafetensorsFirstBytes), bytes.size());
  const std::string text(bytes.substr(kSafetensorsLengthBytes, header_bytes));
  const std::byte* data = file_.data() + kSafetensorsLengthBytes + header_bytes;
  const SafetensorsHeader header =
      parse_safetensors_header(path, text, bytes.size() - kSafetensorsLengthBytes - header_bytes);
  for (const SafetensorsEntry& entry : header.entries)
    tensors_[entry.name] = {entry.type, entry.shape, data + entry.begin};
}

void release(const TensorView& view) {
  release_mapped(view.data, safetensors_byte_count(view.type, view.shape).value_or(0));
}

TensorView view_of(const Tensor& tensor) {
  return {stored_dtype(tensor.dtype), tensor.shape, tensor.bytes.data()};
}

Tensor copy_of(const TensorView& view, const std::string& what) {
  if (!view.type.dtype) refuse_dtype(view, what);
  Tensor tensor(*view.type.dtype, view.shape);
  if (!tensor.bytes.empty()) std::memcpy(tensor.bytes.data(), view.data, tensor.bytes.size());
  return tensor;
}

Tensor to_f32(const TensorView& view, const std::string& what) {
  if (!view.type.dtype) refuse_dtype(view, what);
  Tensor tensor(DType::F32, view.shape);
  const auto count = static_cast<std::size_t>(element_count(view.shape));
  auto* out = tensor.data<float>();
  switch (*view.type.dtype) {
    case DType::F32:
      if (count > 0) std::memcpy(out, view.data, 4 * count);
      return tensor;
    case DType::BF16:
      for (std::size_t i = 0; i < count; ++i) out[i] = widen(u16_at(view.data, i));
      return tensor;
    case DType::F16:
      for (std::size_t i = 0; i < count; ++i) out[i] = from_f16(u16_at(view.data, i));
      return tensor;
    default:
      refuse_dtype(view, what);
  }
}

Tensor to_bf16(const TensorView& view, const std::string& what) {
  if (!view.type.dtype) refuse_dtype(view, what);
  Tensor tensor(DType::BF16, view.shape);
  const auto count = static_cast<std::size_t>(element_count(view.shape));
  auto* out = tensor.data<std::uint16_t>();
  switch (*view.type.dtype) {
    case DType::BF16:
      if (count > 0) std::memcpy(out, view.data, 2 * count);
      return tensor;
    case DType::F16:
      for (std::size_t i = 0; i < count; ++i)
        out[i] = round_to_bf16(from_f16(u16_at(view.data, i)));
      return tensor;
    case DType::F32:
      for (std::size_t i = 0; i < count; ++i) {
        float value = 0;
        std::memcpy(&value, view.data + 4 * i, 4);
        out[i] = round_to_bf16(value);
      }
      return tensor;
    default:
      refuse_dtype(view, what);
  }
}

}  // namespace corank
