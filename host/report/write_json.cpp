#include "host/report/write_json.h"

#include <filesystem>
#include <fstream>

#include "models/base/error.h"

namespace corank {

void write_json(const std::string& path, const nlohmann::ordered_json& json) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary);
  // A path need not be UTF-8; what is not is replaced.
  file << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw MachineError("cannot write " + path);
  }
}

}  // namespace corank
