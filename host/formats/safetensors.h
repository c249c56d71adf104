// Reader and writer of the safetensors format (Hugging Face):
// u64 header length, a JSON header, then the tensors' bytes without gaps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/base/tensor.h"

namespace corank {

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
  /// Tensors of a dtype that corank does not compute with: name -> dtype. They are not read, and
  /// not written.
  std::map<std::string, std::string> others = {};
};

/// Reads a whole file. Refuses, with InputError that names file, tensor, what was expected and what
/// was found: a missing or unreadable file, a truncated one, a header longer than the file or 100
/// MB, invalid JSON, duplicate names, an unknown dtype, negative, overflowing or lying shapes,
/// offsets that overlap, leave gaps, run backwards or past the end, metadata that is not string to
/// string, a git-lfs pointer, a special file.
SafetensorsFile read_safetensors(const std::string& path);

/// Writes an OutputFile: a failure leaves nothing half-written. Adds {"format": "pt"} unless the
/// metadata has it; pads the header to 8 bytes.
void write_safetensors(const std::string& path, const SafetensorsFile& file);

}  // namespace corank
