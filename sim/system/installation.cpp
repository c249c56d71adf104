#include "sim/system/installation.h"

namespace corank {

namespace fs = std::filesystem;

fs::path built_or_installed(const fs::path& built, const char* installed) {
  const fs::path other = fs::path(CORANK_INSTALLED_DATA) / installed;
  std::error_code ignored;
  return !fs::exists(built, ignored) && fs::exists(other, ignored) ? other : built;
}

}  // namespace corank
