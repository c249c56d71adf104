// How much memory this process may have.
#pragma once

#include <cstdint>

namespace corank {

/// The computer's memory, or the limit of the process's address space where that is less.
std::uint64_t host_memory_bytes();

}  // namespace corank
