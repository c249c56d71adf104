#include "host/formats/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "host/formats/input_file.h"
#include "host/formats/json_text.h"
#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

// The limit of the format's own library.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// Depth of the format: the header, a tensor, its shape. A deeper one could only be an attempt to
/// use up memory.
constexpr int kHeaderDepth = 3;

nlohmann::json parse_json(const std::string& path, const std::string& text) {
  const std::optional<JsonFault> fault = find_json_fault(text, kHeaderDepth);
  if (!fault) return nlohmann::json::parse(text);
  switch (fault->kind) {
    case JsonFault::Kind::kTwice:
      refuse_safetensors(path, "the header has the name " + quote(fault->key) + " twice");
    case JsonFault::Kind::kDepth:
      refuse_safetensors(path, "the header is nested deeper than a safetensors header");
    case JsonFault::Kind::kNumber:
      refuse_safetensors(path, "the header has the number " + printable(fault->token, 60) +
                                   " at its byte " + std::to_string(fault->byte) +
                                   ", which is too large");
    case JsonFault::Kind::kSyntax:
      break;
  }
  refuse_safetensors(path,
                     "the header is not valid JSON at its byte " + std::to_string(fault->byte));
}

std::uint64_t read_size(const std::string& path, const std::string& tensor, const char* what,
                        const nlohmann::json& value) {
  // A JSON number beyond 64 bits becomes a float and is refused as such.
  if (value.is_number_unsigned()) {
    const auto size = value.get<std::uint64_t>();
    if (size <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return size;
  }
  refuse_safetensors(path, tensor,
                     std::string("expected ") + what +
                         " of whole numbers from 0 to 2^63 - 1, found " + excerpt(value));
}

StoredDType read_dtype(const std::string& path, const std::string& tensor,
                       const nlohmann::json& value) {
  std::string known;
  for (const StoredDType& type : kStoredDTypes) {
    if (value == type.name) return type;
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  }
  refuse_safetensors(path, tensor,
                     "expected a dtype out of " + known + ", found " + excerpt(value));
}

SafetensorsEntry read_entry(const std::string& path, const std::string& name,
                            const nlohmann::json& value) {
  if (!value.is_object())
    refuse_safetensors(
        path, name,
        "expected an object with dtype, shape and data_offsets, found " + excerpt(value));
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key)) refuse_safetensors(path, name, std::string("has no '") + key + "'");
  for (const auto& item : value.items())
    if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets")
      refuse_safetensors(path, name,
                         "expected dtype, shape and data_offsets only, found " +
                             excerpt(nlohmann::json(item.key())));

  SafetensorsEntry entry;
  entry.name = name;
  entry.type = read_dtype(path, name, value["dtype"]);
  const nlohmann::json& shape = value["shape"];
  if (!shape.is_array())
    refuse_safetensors(path, name, "expected a shape like [2, 3], found " + excerpt(shape));
  for (const nlohmann::json& dimension : shape)
    entry.shape.push_back(static_cast<std::int64_t>(read_size(path, name, "a shape", dimension)));
  const nlohmann::json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    refuse_safetensors(path, name, "expected data_offsets [begin, end], found " + excerpt(offsets));
  entry.begin = read_size(path, name, "data_offsets", offsets[0]);
  entry.end = read_size(path, name, "data_offsets", offsets[1]);
  if (entry.end < entry.begin)
    refuse_safetensors(path, name, "data_offsets run backwards: " + excerpt(offsets));

  const auto bytes = safetensors_byte_count(entry.type, entry.shape);
  if (!bytes)
    refuse_safetensors(path, name,
                       std::string(entry.type.name) + " of shape " + to_string(entry.shape) +
                           " has more than 2^63 - 1 bits, or no whole number of bytes");
  if (*bytes != entry.end - entry.begin)
    refuse_safetensors(path, name,
                       std::string(entry.type.name) + " of shape " + to_string(entry.shape) +
                           ": expected " + std::to_string(*bytes) + " bytes, found data_offsets " +
                           excerpt(offsets) + ", which are " +
                           std::to_string(entry.end - entry.begin));
  return entry;
}

SafetensorsHeader read_header(const std::string& path, const std::string& text) {
  if (text.empty() || text.front() != '{')
    refuse_safetensors(path, "the header does not begin with '{'");
  const nlohmann::json root = parse_json(path, text);
  SafetensorsHeader header;
  for (const auto& item : root.items()) {
    if (item.key() != kSafetensorsMetadataKey) {
      header.entries.push_back(read_entry(path, item.key(), item.value()));
      continue;
    }
    if (!item.value().is_object())
      refuse_safetensors(path, "__metadata__: expected an object, found " + excerpt(item.value()));
    for (const auto& pair : item.value().items()) {
      if (!pair.value().is_string())
        refuse_safetensors(path, "__metadata__: expected a string for " + quote(pair.key()) +
                                     ", found " + excerpt(pair.value()));
      header.metadata[pair.key()] = pair.value().get<std::string>();
    }
  }
  return header;
}

/// Sorts the entries as they lie in the file and makes sure that they cover it exactly.
void check_layout(const std::string& path, std::vector<SafetensorsEntry>& entries,
                  std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  std::uint64_t position = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.end > data_bytes)
      refuse_safetensors(path, entry.name,
                         "ends at byte " + std::to_string(entry.end) +
                             " of the data, but the file holds " + std::to_string(data_bytes) +
                             " (truncated?)");
    if (entry.begin != position)
      refuse_safetensors(
          path, entry.name,
          std::string(entry.begin < position ? "overlaps the tensor before it"
                                             : "leaves a gap to the tensor before it") +
              ": expected to begin at byte " + std::to_string(position) + " of the data, found " +
              std::to_string(entry.begin));
    position = entry.end;
  }
  if (position != data_bytes)
    refuse_safetensors(path, "expected " + std::to_string(position) +
                                 " bytes after the header, found " + std::to_string(data_bytes));
}

}  // namespace

void refuse_safetensors(const std::string& path, const std::string& message) {
  throw InputError(path + ": " + message);
}

void refuse_safetensors(const std::string& path, const std::string& tensor,
                        const std::string& message) {
  refuse_safetensors(path, "tensor " + quote(tensor) + ": " + message);
}

StoredDType stored_dtype(DType dtype) {
  for (const StoredDType& type : kStoredDTypes)
    if (type.dtype == dtype) return type;
  return {name_of(dtype), static_cast<int>(8 * bytes_of(dtype)), dtype};
}

std::optional<std::uint64_t> safetensors_byte_count(const StoredDType& type, const Shape& shape) {
  std::int64_t bits = 1;
  // The elements first, in the order in which element_count multiplies.
  for (const std::int64_t dimension : shape)
    if (__builtin_mul_overflow(bits, dimension, &bits)) return std::nullopt;
  if (__builtin_mul_overflow(bits, std::int64_t{type.bits}, &bits) || bits % 8 != 0)
    return std::nullopt;
  return static_cast<std::uint64_t>(bits / 8);
}

std::uint64_t safetensors_header_length(const std::string& path, std::string_view first_bytes,
                                        std::uint64_t file_bytes) {
  if (file_bytes < kSafetensorsLengthBytes)
    refuse_safetensors(path, "expected at least 8 bytes, found " + std::to_string(file_bytes));
  refuse_lfs_pointer(path, first_bytes);
  std::uint64_t header_bytes = 0;
  for (std::size_t i = kSafetensorsLengthBytes; i-- > 0;)
    header_bytes = header_bytes << 8 | static_cast<unsigned char>(first_bytes[i]);
  const std::uint64_t most = std::min(kMaxHeaderBytes, file_bytes - kSafetensorsLengthBytes);
  if (header_bytes > most)
    refuse_safetensors(path, "expected a header of at most " + std::to_string(most) +
                                 " bytes, found a length of " + std::to_string(header_bytes));
  return header_bytes;
}

SafetensorsHeader parse_safetensors_header(const std::string& path, const std::string& text,
                                           std::uint64_t data_bytes) {
  SafetensorsHeader header = read_header(path, text);
  check_layout(path, header.entries, data_bytes);
  return header;
}

}  // namespace corank
