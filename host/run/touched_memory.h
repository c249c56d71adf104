// How much of the device memory that the compiler has planned its commands go to.
#pragma once

#include <cstdint>

#include "host/compiler/compiler.h"
#include "sim/machine/shape.h"

namespace corank {

/// Bytes of the rows of 128 that commands of the step read or write, worked out from their words
/// (host/driver/footprint.h), each row once, and of the ring that the commands come through. Of a
/// table of which indices name the rows, all of it.
std::uint64_t touched_bytes(const CompiledStep& step, const MachineShape& machine);

}  // namespace corank
