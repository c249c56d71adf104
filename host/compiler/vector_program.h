// Programs of the vector unit: short sequences of FP32 operations that run over every element of a
// matrix.
#pragma once

#include <cstdint>
#include <vector>

namespace corank {

/// 64-bit instructions, see rtl/interface/INTERFACE.md. host/compiler/recorder.h makes them of the
/// ops' own arithmetic.
using VectorProgram = std::vector<std::uint64_t>;

/// Streams of a command.
inline constexpr int kMostStreams = 4;

/// Cycles that a beat of VectorLanes elements takes (vector_unit.sv), for estimates.
std::int64_t cycles_per_beat(const VectorProgram& program);

}  // namespace corank
