// Writing a JSON file so that a failure leaves nothing half-written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace corank {

/// Writes a temporary file beside the path and renames it. Throws MachineError if the disk refuses.
void write_json(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace corank
