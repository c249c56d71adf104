// JSON as corank writes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sim/system/output_file.h"

namespace corank {

/// Writes and finishes the file.
void write_json(OutputFile& file, const nlohmann::ordered_json& json);
/// The same at a path.
void write_json(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace corank
