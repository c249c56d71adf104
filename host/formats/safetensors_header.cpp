#include "host/formats/safetensors_header.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "models/base/error.h"

namespace corank {
namespace {

using nlohmann::json;

// The limit of the format's own library.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  throw InputError(path + ": " + message);
}

[[noreturn]] void refuse(const std::string& path, const std::string& tensor,
                         const std::string& message) {
  refuse(path, "tensor '" + tensor + "': " + message);
}

/// What was found, short enough for a message.
std::string excerpt(const json& value) {
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

/// The parser itself keeps the last of several equal keys; here they are an error, and so is a
/// nesting deeper than the format's, which could only be an attempt to use up memory.
json parse_json(const std::string& path, const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth > 2) refuse(path, "the header is nested deeper than a safetensors header");
        break;
      case json::parse_event_t::object_end:
        keys.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys.back().insert(parsed.get<std::string>()).second)
          refuse(path, "the header has the name " + excerpt(parsed) + " twice");
        break;
      default:
        break;
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::exception& error) {
    const auto* at = dynamic_cast<const json::parse_error*>(&error);
    refuse(path, "the header is not valid JSON" +
                     (at ? " at its byte " + std::to_string(at->byte) : std::string()));
  }
}

std::uint64_t read_size(const std::string& path, const std::string& tensor, const char* what,
                        const json& value) {
  // A JSON number beyond 64 bits becomes a float and is refused as such.
  if (value.is_number_unsigned()) {
    const auto size = value.get<std::uint64_t>();
    if (size <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return size;
  }
  refuse(path, tensor,
         std::string("expected ") + what + " of whole numbers from 0 to 2^63 - 1, found " +
             excerpt(value));
}

DType read_dtype(const std::string& path, const std::string& tensor, const json& value) {
  std::string known;
  for (const DType dtype : kSafetensorsDTypes) {
    if (value == name_of(dtype)) return dtype;
    known += (known.empty() ? "" : ", ") + std::string(name_of(dtype));
  }
  refuse(path, tensor, "expected a dtype out of " + known + ", found " + excerpt(value));
}

SafetensorsEntry read_entry(const std::string& path, const std::string& name, const json& value) {
  if (!value.is_object())
    refuse(path, name,
           "expected an object with dtype, shape and data_offsets, found " + excerpt(value));
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!value.contains(key)) refuse(path, name, std::string("has no '") + key + "'");
  for (const auto& item : value.items())
    if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets")
      refuse(path, name,
             "expected dtype, shape and data_offsets only, found " + excerpt(json(item.key())));

  SafetensorsEntry entry;
  entry.name = name;
  entry.dtype = read_dtype(path, name, value["dtype"]);
  const json& shape = value["shape"];
  if (!shape.is_array())
    refuse(path, name, "expected a shape like [2, 3], found " + excerpt(shape));
  for (const json& dimension : shape)
    entry.shape.push_back(static_cast<std::int64_t>(read_size(path, name, "a shape", dimension)));
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    refuse(path, name, "expected data_offsets [begin, end], found " + excerpt(offsets));
  entry.begin = read_size(path, name, "data_offsets", offsets[0]);
  entry.end = read_size(path, name, "data_offsets", offsets[1]);
  if (entry.end < entry.begin)
    refuse(path, name, "data_offsets run backwards: " + excerpt(offsets));

  const auto bytes = safetensors_byte_count(entry.dtype, entry.shape);
  if (!bytes)
    refuse(path, name, "a shape of " + to_string(entry.shape) + " has more than 2^63 - 1 bytes");
  if (*bytes != entry.end - entry.begin)
    refuse(path, name,
           std::string(name_of(entry.dtype)) + " of shape " + to_string(entry.shape) +
               ": expected " + std::to_string(*bytes) + " bytes, found data_offsets " +
               excerpt(offsets) + ", which are " + std::to_string(entry.end - entry.begin));
  return entry;
}

SafetensorsHeader read_header(const std::string& path, const std::string& text) {
  if (text.empty() || text.front() != '{') refuse(path, "the header does not begin with '{'");
  const json root = parse_json(path, text);
  SafetensorsHeader header;
  for (const auto& item : root.items()) {
    if (item.key() != kSafetensorsMetadataKey) {
      header.entries.push_back(read_entry(path, item.key(), item.value()));
      continue;
    }
    if (!item.value().is_object())
      refuse(path, "__metadata__: expected an object, found " + excerpt(item.value()));
    for (const auto& pair : item.value().items()) {
      if (!pair.value().is_string())
        refuse(path, "__metadata__: expected a string for '" + pair.key() + "', found " +
                         excerpt(pair.value()));
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
      refuse(path, entry.name,
             "ends at byte " + std::to_string(entry.end) + " of the data, but the file holds " +
                 std::to_string(data_bytes) + " (truncated?)");
    if (entry.begin != position)
      refuse(path, entry.name,
             std::string(entry.begin < position ? "overlaps the tensor before it"
                                                : "leaves a gap to the tensor before it") +
                 ": expected to begin at byte " + std::to_string(position) +
                 " of the data, found " + std::to_string(entry.begin));
    position = entry.end;
  }
  if (position != data_bytes)
    refuse(path, "expected " + std::to_string(position) + " bytes after the header, found " +
                     std::to_string(data_bytes));
}

}  // namespace

std::optional<std::uint64_t> safetensors_byte_count(DType dtype, const Shape& shape) {
  std::int64_t bytes = 1;
  // The elements first, in the order in which element_count multiplies.
  for (const std::int64_t dimension : shape)
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) return std::nullopt;
  if (__builtin_mul_overflow(bytes, static_cast<std::int64_t>(bytes_of(dtype)), &bytes))
    return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::uint64_t safetensors_header_length(const std::string& path, const std::byte* first_bytes,
                                        std::uint64_t file_bytes) {
  if (file_bytes < kSafetensorsLengthBytes)
    refuse(path, "expected at least 8 bytes, found " + std::to_string(file_bytes));
  std::uint64_t header_bytes = 0;
  for (std::size_t i = kSafetensorsLengthBytes; i-- > 0;)
    header_bytes = header_bytes << 8 | std::to_integer<std::uint64_t>(first_bytes[i]);
  const std::uint64_t most = std::min(kMaxHeaderBytes, file_bytes - kSafetensorsLengthBytes);
  if (header_bytes > most)
    refuse(path, "expected a header of at most " + std::to_string(most) +
                     " bytes, found a length of " + std::to_string(header_bytes));
  return header_bytes;
}

SafetensorsHeader parse_safetensors_header(const std::string& path, const std::string& text,
                                           std::uint64_t data_bytes) {
  SafetensorsHeader header = read_header(path, text);
  check_layout(path, header.entries, data_bytes);
  return header;
}

std::uint64_t safetensors_file_size(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    refuse(path, std::string("expected a file, found ") +
                     (std::filesystem::is_directory(status) ? "a directory" : "something else"));
  const auto size = std::filesystem::file_size(path, error);
  if (error) refuse(path, "cannot be read: " + error.message());
  return size;
}

}  // namespace corank
