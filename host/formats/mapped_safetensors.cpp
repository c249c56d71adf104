#include "host/formats/mapped_safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "host/formats/input_file.h"
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

MappedSafetensors::MappedSafetensors(const std::string& path) : path_(path) {
  bytes_ = input_file_size(path);
  if (bytes_ < kSafetensorsLengthBytes) safetensors_header_length(path, "", bytes_);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw InputError(path + ": cannot be read: " + std::strerror(errno));
  memory_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
  const int error = errno;
  ::close(file);
  if (memory_ == MAP_FAILED) {
    memory_ = nullptr;
    throw InputError(path + ": cannot be mapped into memory: " + std::strerror(error));
  }
  try {
    const auto* begin = static_cast<const std::byte*>(memory_);
    const std::string_view first(static_cast<const char*>(memory_),
                                 std::min(bytes_, kSafetensorsFirstBytes));
    const std::uint64_t header_bytes = safetensors_header_length(path, first, bytes_);
    const std::byte* data = begin + kSafetensorsLengthBytes + header_bytes;
    const std::string text(reinterpret_cast<const char*>(begin + kSafetensorsLengthBytes),
                           header_bytes);
    const SafetensorsHeader header =
        parse_safetensors_header(path, text, bytes_ - kSafetensorsLengthBytes - header_bytes);
    for (const SafetensorsEntry& entry : header.entries)
      tensors_[entry.name] = {entry.type, entry.shape, data + entry.begin};
  } catch (...) {
    ::munmap(memory_, bytes_);  // no destructor runs for what was never constructed
    throw;
  }
}

MappedSafetensors::~MappedSafetensors() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

MappedSafetensors::MappedSafetensors(MappedSafetensors&& other) noexcept
    : path_(std::move(other.path_)),
      memory_(std::exchange(other.memory_, nullptr)),
      bytes_(other.bytes_),
      tensors_(std::move(other.tensors_)) {}

void release(const TensorView& view) {
  const auto size = safetensors_byte_count(view.type, view.shape).value_or(0);
  if (size == 0) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t into_page = reinterpret_cast<std::uintptr_t>(view.data) % page;
  // Of a page that a neighbour shares nothing is lost: the mapping is never written. Failure does
  // no harm, either.
  ::madvise(const_cast<std::byte*>(view.data) - into_page, size + into_page, MADV_DONTNEED);
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
