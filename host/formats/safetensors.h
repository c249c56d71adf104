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
};

/// Reads a whole file. Refuses, with InputError that names file, tensor, what was expected and what
/// was found: a missing or unreadable file, a truncated one, a header longer than the file or 100
/// MB, invalid JSON, duplicate names, an unknown dtype, negative, overflowing or lying shapes,
/// offsets that overlap, leave gaps, run backwards or past the end, metadata that is not string to
/// string. Dtypes: BF16, F16, F32, I32, I64, U8; another one is refused by name.
SafetensorsFile read_safetensors(const std::string& path);

/// Writes an OutputFile: a failure leaves nothing half-written. Adds {"format": "pt"} unless the
/// metadata has it; pads the header to 8 bytes.
void write_safetensors(const std::string& path, const SafetensorsFile& file);

}  // namespace corank
