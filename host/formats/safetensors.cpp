#include "host/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/formats/input_file.h"
#include "host/formats/safetensors_header.h"
#include "models/base/error.h"
#include "models/base/text.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

void read_bytes(const std::string& path, std::ifstream& in, void* target, std::uint64_t bytes) {
  if (bytes == 0) return;
  in.read(static_cast<char*>(target), static_cast<std::streamsize>(bytes));
  if (!in) refuse_safetensors(path, "cannot be read to its end");
}

/// Entries in file order, with their offsets.
std::vector<SafetensorsEntry> lay_out(const std::string& path, const TensorMap& tensors) {
  std::vector<SafetensorsEntry> entries;
  std::uint64_t position = 0;
  for (const StoredDType& type : kStoredDTypes) {
    for (const auto& [name, tensor] : tensors) {
      if (tensor.dtype != type.dtype) continue;
      if (name == kSafetensorsMetadataKey) refuse_safetensors(path, name, "this name is reserved");
      const auto bytes = safetensors_byte_count(type, tensor.shape);
      if (!bytes || *bytes != tensor.bytes.size())
        refuse_safetensors(path, name,
                           "shape " + to_string(tensor.shape) + " does not fit " +
                               std::to_string(tensor.bytes.size()) + " bytes of data");
      entries.push_back({name, type, tensor.shape, position, position + *bytes});
      position += *bytes;
    }
  }
  return entries;
}

std::string header_text(const std::string& path, const std::vector<SafetensorsEntry>& entries,
                        std::map<std::string, std::string> metadata) {
  metadata.emplace("format", "pt");
  nlohmann::ordered_json header;
  header[kSafetensorsMetadataKey] = metadata;
  for (const SafetensorsEntry& entry : entries)
    header[entry.name] = {{"dtype", entry.type.name},
                          {"shape", entry.shape},
                          {"data_offsets", {entry.begin, entry.end}}};
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    refuse_safetensors(path, "a tensor name or an entry of the metadata is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

SafetensorsFile read_safetensors(const std::string& path) {
  const std::uint64_t file_bytes = input_file_size(path);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse_safetensors(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string first(std::min<std::uint64_t>(file_bytes, kSafetensorsFirstBytes), '\0');
  read_bytes(path, in, first.data(), first.size());
  const std::uint64_t header_bytes = safetensors_header_length(path, first, file_bytes);
  std::string text(header_bytes, '\0');
  in.seekg(kSafetensorsLengthBytes);
  read_bytes(path, in, text.data(), header_bytes);

  const std::uint64_t data = kSafetensorsLengthBytes + header_bytes;
  SafetensorsHeader header = parse_safetensors_header(path, text, file_bytes - data);
  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const SafetensorsEntry& entry : header.entries) {
    if (!entry.type.dtype) {
      file.others.emplace(entry.name, entry.type.name);
      continue;
    }
    Tensor tensor(*entry.type.dtype, entry.shape);
    in.seekg(static_cast<std::streamoff>(data + entry.begin));
    read_bytes(path, in, tensor.bytes.data(), tensor.bytes.size());
    file.tensors.emplace(entry.name, std::move(tensor));
  }
  return file;
}

void write_safetensors(const std::string& path, const SafetensorsFile& file) {
  const std::vector<SafetensorsEntry> entries = lay_out(path, file.tensors);
  const std::string header = header_text(path, entries, file.metadata);
  std::array<char, kSafetensorsLengthBytes> length{};
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i));
  OutputFile out(path);
  out.write({length.data(), length.size()});
  out.write(header);
  for (const SafetensorsEntry& entry : entries) {
    const auto& bytes = file.tensors.at(entry.name).bytes;
    out.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  out.finish();
}

}  // namespace corank
