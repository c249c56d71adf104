// Programs of the vector unit: short sequences of FP32 operations that run over every element of a
// matrix.
#pragma once

#include <cstdint>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

/// 64-bit instructions, see rtl/interface/INTERFACE.md. host/compiler/recorder.h makes them of the
/// ops' own arithmetic.
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

/// Whether the sums of a contraction go through the vector unit; otherwise they are its result.
bool needs_epilogue(const Graph& graph, const Contraction& op);

/// The program of an op, empty for a contraction without an epilogue. Throws InputError for an op
/// that has none yet.
VectorProgram program_of(const Graph& graph, const Contraction& op);
VectorProgram program_of(const Graph& graph, const Op& op);

}  // namespace corank
