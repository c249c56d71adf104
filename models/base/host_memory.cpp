#include "models/base/host_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace corank {

std::uint64_t host_memory_bytes() {
  const auto pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  const std::uint64_t bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  return std::min<std::uint64_t>(bytes, limit.rlim_cur);
}

}  // namespace corank
