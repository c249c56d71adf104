// One burst of the accelerator, as its memory port's TLM socket sees it.
#pragma once

#include <cstdint>

namespace corank {

struct MemoryTransaction {
  std::int64_t cycle = 0;  // of BEGIN_REQ
  bool write = false;
  std::uint64_t address = 0;
  std::int64_t bytes = 0;
  std::uint64_t digest = 0;  // of what a write writes; 0: a read
};

}  // namespace corank
