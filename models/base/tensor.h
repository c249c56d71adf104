// A dense, row-major, little-endian tensor that owns its bytes, as safetensors files hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace corank {

enum class DType { BF16, F16, F32, F64, I32, I64, U8 };

/// Bytes of one element.
std::size_t bytes_of(DType dtype);
/// The name that safetensors uses: "BF16", "F32", ...
const char* name_of(DType dtype);

using Shape = std::vector<std::int64_t>;

/// "[64, 384]"; of more than 8 dimensions the first and their number.
std::string to_string(const Shape& shape);
/// Product of the dimensions; 1 for a scalar (empty shape).
std::int64_t element_count(const Shape& shape);

struct Tensor {
  DType dtype = DType::F32;
  Shape shape;
  std::vector<std::byte> bytes;  // element_count(shape) * bytes_of(dtype)

  Tensor() = default;
  /// All elements zero.
  Tensor(DType dtype, Shape shape);

  std::int64_t rows() const;     // shape[0]; 1 for a vector or a scalar
  std::int64_t columns() const;  // the last dimension; 1 for a scalar

  /// The elements as the storage type of the dtype: float for F32, double for F64, std::uint16_t
  /// for BF16 and F16, std::int32_t, std::int64_t, std::uint8_t for the integers.
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(bytes.data());
  }
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

using TensorMap = std::map<std::string, Tensor>;

}  // namespace corank
