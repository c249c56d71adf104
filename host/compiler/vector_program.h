// Programs of the vector unit: short sequences of FP32 operations that run over every element of a
// matrix.
#pragma once

#include <cstdint>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

/// 64-bit instructions, see rtl/interface/INTERFACE.md.
using VectorProgram = std::vector<std::uint64_t>;

/// Cycles that a beat of VectorLanes elements takes (vector_unit.sv), for estimates.
std::int64_t cycles_per_beat(const VectorProgram& program);

/// Streams of the epilogue of a contraction.
inline constexpr int kEpilogueSum = 0, kEpilogueBias = 1, kEpilogueOut = 2;
/// out = sum * scale + bias; a scale of exactly 1 and a missing bias are left out.
VectorProgram epilogue_program(float scale, bool bias);

/// Streams of a conversion: out = in.
inline constexpr int kConvertIn = 0, kConvertOut = 1;
VectorProgram convert_program();

/// Streams of AdamW; parameter and moments are updated in place.
inline constexpr int kAdamWParameter = 0, kAdamWGradient = 1, kAdamWFirstMoment = 2,
                     kAdamWSecondMoment = 3, kAdamWStreams = 4;
VectorProgram adamw_program(const AdamWConstants& constants);

}  // namespace corank
