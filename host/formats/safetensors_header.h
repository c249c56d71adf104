// The header of a safetensors file: which tensors lie where. Shared by the reader, the
// memory-mapped reader and the writer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/tensor.h"

namespace corank {

inline constexpr std::size_t kSafetensorsLengthBytes = 8;
inline constexpr const char* kSafetensorsMetadataKey = "__metadata__";

/// A dtype of the format.
struct StoredDType {
  const char* name = "F32";
  int bits = 32;                            // of an element
  std::optional<DType> dtype = DType::F32;  // nothing: corank does not compute with it
};

// All of them (safetensors 0.8), in the order in which the format's own library lays tensors out:
// the widest first, so that each is aligned to its elements.
inline constexpr std::array<StoredDType, 22> kStoredDTypes = {{
    {"C64", 64, std::nullopt},        {"F64", 64, std::nullopt},
    {"I64", 64, DType::I64},          {"U64", 64, std::nullopt},
    {"F32", 32, DType::F32},          {"I32", 32, DType::I32},
    {"U32", 32, std::nullopt},        {"BF16", 16, DType::BF16},
    {"F16", 16, DType::F16},          {"I16", 16, std::nullopt},
    {"U16", 16, std::nullopt},        {"U8", 8, DType::U8},
    {"I8", 8, std::nullopt},          {"BOOL", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},     {"F8_E4M3", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt},     {"F8_E4M3FNUZ", 8, std::nullopt},
    {"F8_E5M2FNUZ", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},     {"F4", 4, std::nullopt},
}};

/// The dtype of the format that is corank's.
StoredDType stored_dtype(DType dtype);

/// A tensor as the header describes it; offsets from the first byte after the header.
struct SafetensorsEntry {
  std::string name;
  StoredDType type;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

/// Entries lie as in the file, without gaps, and cover it exactly.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Throws InputError "PATH: MESSAGE", or "PATH: tensor "TENSOR": MESSAGE".
[[noreturn]] void refuse_safetensors(const std::string& path, const std::string& message);
[[noreturn]] void refuse_safetensors(const std::string& path, const std::string& tensor,
                                     const std::string& message);

/// Bytes that the shape asks for. Nothing where they overflow, or are no whole number.
std::optional<std::uint64_t> safetensors_byte_count(const StoredDType& type, const Shape& shape);

/// Length of the header from the file's first bytes: 8 of them, and more if it is longer, by which
/// a git-lfs pointer is known. Throws InputError where the file cannot hold the header.
std::uint64_t safetensors_header_length(const std::string& path, std::string_view first_bytes,
                                        std::uint64_t file_bytes);

/// First bytes that safetensors_header_length wants to see.
inline constexpr std::size_t kSafetensorsFirstBytes = 64;

/// Parses and checks a header (see read_safetensors for what is refused); `data_bytes` follow it.
SafetensorsHeader parse_safetensors_header(const std::string& path, const std::string& text,
                                           std::uint64_t data_bytes);

}  // namespace corank
