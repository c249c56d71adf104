// The header of a safetensors file: which tensors lie where. Shared by the reader, the
// memory-mapped reader and the writer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/base/tensor.h"

namespace corank {

inline constexpr std::size_t kSafetensorsLengthBytes = 8;
inline constexpr const char* kSafetensorsMetadataKey = "__metadata__";

// In the order in which the format's own library lays tensors out: the widest first, so that each
// is aligned to its elements.
inline constexpr std::array kSafetensorsDTypes = {DType::I64,  DType::F32, DType::I32,
                                                  DType::BF16, DType::F16, DType::U8};

/// A tensor as the header describes it; offsets from the first byte after the header.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

/// Entries lie as in the file, without gaps, and cover it exactly.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Bytes that the shape asks for. Nothing where they overflow.
std::optional<std::uint64_t> safetensors_byte_count(DType dtype, const Shape& shape);

/// Length of the header from the first 8 bytes. Throws InputError where the file cannot hold it.
std::uint64_t safetensors_header_length(const std::string& path, const std::byte* first_bytes,
                                        std::uint64_t file_bytes);

/// Parses and checks a header (see read_safetensors for what is refused); `data_bytes` follow it.
SafetensorsHeader parse_safetensors_header(const std::string& path, const std::string& text,
                                           std::uint64_t data_bytes);

/// Size of a regular file; throws InputError where there is none.
std::uint64_t safetensors_file_size(const std::string& path);

}  // namespace corank
