#include "host/report/write_json.h"

namespace corank {

void write_json(OutputFile& file, const nlohmann::ordered_json& json) {
  // A path need not be UTF-8; what is not is replaced.
  file.write(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.finish();
}

void write_json(const std::string& path, const nlohmann::ordered_json& json) {
  OutputFile file(path);
  write_json(file, json);
}

}  // namespace corank
