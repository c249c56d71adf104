#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "tests/fuzz/mutate.h"
#include "tests/host/temporary_folder.h"

namespace corank::fuzz {
namespace {

using draw::one_of;

/// A safetensors file in parts, in which nothing needs to be right. Sizes are JSON texts.
struct Entry {
  std::string name, dtype;
  std::vector<std::string> shape;
  std::string bytes;
  std::string begin, end;  // empty: as the bytes lie
};
struct Draft {
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;  // the second: JSON
};

constexpr std::array<const char*, 16> kDTypes = {"F32",     "BF16", "F16", "F64",  "I64", "I32",
                                                 "U8",      "I8",   "I16", "BOOL", "U16", "U64",
                                                 "F8_E4M3", "f32",  "",    "C64"};

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string header_of(const Draft& draft) {
  std::string header = "{";
  const auto member = [&](const std::string& name) {
    header += (header.size() > 1 ? "," : "") + quoted(name) + ":";
  };
  if (!draft.metadata.empty()) {
    std::string pairs;
    for (const auto& [key, value] : draft.metadata)
      pairs += (pairs.empty() ? "" : ",") + quoted(key) + ":" + value;
    member("__metadata__");
    header += "{" + pairs + "}";
  }
  std::size_t position = 0;
  for (const Entry& entry : draft.entries) {
    std::string shape;
    for (const std::string& size : entry.shape) shape += (shape.empty() ? "" : ",") + size;
    const std::size_t end = position + entry.bytes.size();
    member(entry.name);
    header += "{\"dtype\":" + quoted(entry.dtype) + ",\"shape\":[" + shape +
              "],\"data_offsets\":[" +
              (entry.begin.empty() ? std::to_string(position) : entry.begin) + "," +
              (entry.end.empty() ? std::to_string(end) : entry.end) + "]}";
    position = end;
  }
  return header + "}";
}

std::string assemble(std::uint64_t header_length, const std::string& header, const Draft& draft) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header_length >> (8 * i));
  bytes += header;
  for (const Entry& entry : draft.entries) bytes += entry.bytes;
  return bytes;
}

/// Elements become what is rare: infinities, NaN, the largest, the smallest, negative zero; of
/// integers the ends of their range, -1 and -100.
void change_values(Random& random, Entry& entry) {
  constexpr std::array<std::uint64_t, 12> kBits = {0x7F800000,
                                                   0xFF800000,
                                                   0x7FC00000,
                                                   0x7F7FFFFF,
                                                   1,
                                                   0x80000000,
                                                   0x3F803F80,
                                                   0xFF80FF80,
                                                   ~std::uint64_t{0},
                                                   0x7FFFFFFFFFFFFFFF,
                                                   0x8000000000000000,
                                                   static_cast<std::uint64_t>(-100)};
  const std::uint64_t bits = one_of(random, kBits);
  const std::size_t width = entry.dtype == "I64" ? 8 : 4;
  const std::size_t count = entry.bytes.size() / width;
  if (count == 0) return;
  const std::size_t first = random() % count;
  const std::size_t last = percent(random, 80) ? first : random() % count;
  for (std::size_t i = first; i <= last; ++i)
    std::memcpy(entry.bytes.data() + i * width, &bits, width);
}

void change_size(Random& random, Entry& entry) {
  constexpr std::array<const char*, 12> kSizes = {"0",
                                                  "1",
                                                  "-1",
                                                  "1.0",
                                                  "2147483648",
                                                  "4294967296",
                                                  "9223372036854775807",
                                                  "9223372036854775808",
                                                  "1e3",
                                                  "null",
                                                  "\"4\"",
                                                  "[4]"};
  if (entry.shape.empty() || percent(random, 20)) {
    const std::size_t more = percent(random, 90) ? 1 : 3000;
    entry.shape.insert(entry.shape.end(), more, "1");
    return;
  }
  if (percent(random, 20)) return entry.shape.pop_back();
  if (percent(random, 20)) return std::swap(entry.shape.front(), entry.shape.back());
  (percent(random, 50) ? entry.shape.front() : entry.shape.back()) = one_of(random, kSizes);
}

/// Another size with as many bytes as it asks for: right by the format, wrong for its reader.
void resize(Random& random, Entry& entry) {
  if (entry.shape.empty()) return;
  const std::size_t rows = std::strtoull(entry.shape.front().c_str(), nullptr, 10);
  if (rows == 0) return;
  const std::size_t row_bytes = entry.bytes.size() / rows;
  const std::size_t wanted = percent(random, 50) ? rows - 1 : rows + 1 + random() % 3;
  entry.shape.front() = std::to_string(wanted);
  entry.bytes.resize(wanted * row_bytes, entry.bytes.empty() ? '\0' : entry.bytes.front());
}

/// Another format, half of the time with as many bytes as it asks for.
void change_dtype(Random& random, Entry& entry) {
  const bool fits = percent(random, 50);
  const bool wide = entry.dtype == "F32" || entry.dtype == "I32";
  if (fits && wide) {
    entry.bytes.resize(entry.bytes.size() / 2);
    entry.dtype = percent(random, 50) ? "BF16" : "F16";
  } else if (fits && entry.dtype == "I64") {
    entry.dtype = "F64";
  } else {
    entry.dtype = one_of(random, kDTypes);
  }
}

void change_offsets(Random& random, Entry& entry) {
  std::string& offset = percent(random, 50) ? entry.begin : entry.end;
  offset = percent(random, 50) ? odd_scalar(random) : std::to_string(random() % 4096);
}

void change_name(Random& random, std::string& name) {
  constexpr std::array<const char*, 8> kNames = {"",       "__metadata__", "weight", "bias",
                                                 "lora_A", "../x",         "a\nb",   "\x1B[31m"};
  if (percent(random, 30))
    name = one_of(random, kNames);
  else if (percent(random, 10))
    name = std::string(5000, 'n');
  else
    mutate_bytes(random, name);
}

void change_entries(Random& random, std::vector<Entry>& entries) {
  const std::size_t at = random() % entries.size();
  const std::size_t other = random() % entries.size();
  switch (random() % 4) {
    case 0:
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:
      entries.push_back(entries[at]);  // by the same name
      break;
    case 2:
      std::swap(entries[at].name, entries[other].name);
      break;
    default:
      entries.push_back(entries[at]);
      change_name(random, entries.back().name);
  }
}

void change_metadata(Random& random, Draft& draft) {
  auto& metadata = draft.metadata;
  if (metadata.empty() || percent(random, 10)) {
    metadata.emplace_back("step", percent(random, 50) ? "\"1\"" : "1");
    return;
  }
  const std::size_t at = random() % metadata.size();
  switch (random() % 4) {
    case 0:
      metadata.erase(metadata.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 1:
      change_name(random, metadata[at].first);
      break;
    case 2:
      metadata[at].second = odd_scalar(random);  // seldom a text
      break;
    default:
      metadata[at].second = quoted(odd_scalar(random));
  }
}

void change_draft(Random& random, Draft& draft) {
  constexpr std::array<void (*)(Random&, Entry&), 6> kChanges = {
      change_values, change_values, change_size, resize, change_dtype, change_offsets};
  const std::uint64_t kind = random() % 10;
  if (kind == 0) return change_metadata(random, draft);
  if (draft.entries.empty()) return;
  if (kind <= 2) return change_entries(random, draft.entries);
  Entry& entry = draft.entries[random() % draft.entries.size()];
  if (kind == 3) return change_name(random, entry.name);
  one_of(random, kChanges)(random, entry);
}

std::string with_changed_header(Random& random, const Draft& draft) {
  constexpr std::array<std::uint64_t, 8> kLengths = {
      0, 1, 7, 100'000'000, 100'000'001, 0x7FFFFFFF, 0x7FFFFFFFFFFFFFFF, ~std::uint64_t{0}};
  std::string header = header_of(draft);
  if (percent(random, 20)) return assemble(one_of(random, kLengths), header, draft);
  if (percent(random, 20))
    header += std::string(random() % 64, ' ');
  else
    mutate_text(random, header);
  return assemble(header.size(), header, draft);
}

Draft draft_of(const SafetensorsFile& file) {
  Draft draft;
  for (const auto& [name, tensor] : file.tensors) {
    Entry entry;
    entry.name = name;
    entry.dtype = name_of(tensor.dtype);
    for (const std::int64_t size : tensor.shape) entry.shape.push_back(std::to_string(size));
    entry.bytes.assign(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    draft.entries.push_back(std::move(entry));
  }
  for (const auto& [key, value] : file.metadata) draft.metadata.emplace_back(key, quoted(value));
  return draft;
}

std::optional<Draft> read_draft(const std::string& bytes) {
  const TemporaryFolder folder;
  try {
    return draft_of(read_safetensors(folder.write("file", bytes)));
  } catch (const InputError&) {
    return std::nullopt;
  }
}

std::string bytes_of(const Draft& draft) {
  const std::string header = header_of(draft);
  return assemble(header.size(), header, draft);
}

}  // namespace

std::string to_bytes(const SafetensorsFile& file) { return bytes_of(draft_of(file)); }

std::string mutate_safetensors(Random& random, const std::string& file) {
  std::optional<Draft> draft = read_draft(file);
  if (!draft || percent(random, 20)) {
    std::string bytes = file;
    mutate_bytes(random, bytes);
    return bytes;
  }
  if (percent(random, 15)) return with_changed_header(random, *draft);
  change_draft(random, *draft);
  return bytes_of(*draft);
}

}  // namespace corank::fuzz
