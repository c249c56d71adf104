// Reader of GGUF files (llama.cpp's format, versions 2 and 3, little-endian): magic, counts, keys
// with typed values, what tensors there are, and behind an alignment their bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/formats/mapped_file.h"
#include "models/base/tensor.h"

namespace corank {

/// A list of values: only how many there are is kept.
struct GgufList {
  std::uint64_t count = 0;
};

/// The integers of all widths are one; one of 64 bits without a sign beyond 2^63 - 1 is negative.
using GgufValue = std::variant<std::int64_t, double, bool, std::string, GgufList>;

/// A value in a message.
std::string to_string(const GgufValue& value);

/// A type of tensors that is read.
struct GgufType {
  std::uint32_t number = 0;  // in files
  const char* name = "F32";
  std::int64_t block = 1;        // elements of a row that lie together,
  std::int64_t block_bytes = 4;  // in so many bytes
};

inline constexpr GgufType kGgufF32{0, "F32", 1, 4}, kGgufF16{1, "F16", 1, 2},
    kGgufQ4_0{2, "Q4_0", 32, 18}, kGgufQ4_1{3, "Q4_1", 32, 20}, kGgufQ8_0{8, "Q8_0", 32, 34},
    kGgufBf16{30, "BF16", 1, 2};

struct GgufTensor {
  GgufType type;
  Shape shape;  // the last dimension is the one of the elements that lie together
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
};

class MappedGguf {
 public:
  /// Throws InputError that names file, key or tensor, what was expected and what was found:
  /// another magic or version; a file that ends too early; a key or tensor that is there twice; an
  /// unknown type of a value; a tensor of a type that is not read (named as llama.cpp does), with
  /// more than two dimensions, with rows that are no whole blocks, out of the file or not aligned.
  explicit MappedGguf(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }

  /// nullptr if there is no such key.
  const GgufValue* find(const std::string& key) const;
  bool has(const std::string& key) const { return find(key) != nullptr; }

  // Each throws InputError for a missing, mistyped or out-of-range value.
  std::int64_t integer(const std::string& key, std::int64_t least, std::int64_t most) const;
  double positive(const std::string& key) const;
  std::string text(const std::string& key) const;

  /// Throws the InputError "FILE: 'KEY': expected ..., found ...".
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;

 private:
  std::string path_;
  MappedFile file_;
  std::map<std::string, GgufValue> values_;
  std::map<std::string, GgufTensor> tensors_;
};

}  // namespace corank
