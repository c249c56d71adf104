// Programs of the vector unit: short sequences of FP32 operations that run over every element of a
// matrix.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/graph/value.h"
#include "models/ops/dropout.h"
#include "rtl/interface/interface.h"

namespace corank {

/// The immediate of an instruction that is an element of a value which every step is fed anew, or a
/// word of the constants of a dropout whose step that is.
struct FedImmediate {
  std::size_t instruction = 0;
  ValueId value = -1;
  int element = 0;
  std::optional<Dropout> dropout = std::nullopt;
};
/// What it is where the value is `fed`.
std::uint32_t word_of(const FedImmediate& immediate, const Tensor& fed);
bool operator==(const FedImmediate& a, const FedImmediate& b);

/// 64-bit instructions, see rtl/interface/INTERFACE.md. host/compiler/recorder.h makes them of the
/// ops' own arithmetic.
struct VectorProgram {
  std::vector<std::uint64_t> instructions;
  std::vector<FedImmediate> fed;  // 0 in the instructions

  bool empty() const { return instructions.empty(); }
  std::size_t size() const { return instructions.size(); }
};
bool operator==(const VectorProgram& a, const VectorProgram& b);

void set_immediate(std::uint64_t& instruction, std::uint32_t word);

/// Where a program lies among all programs of a step.
struct ProgramPlace {
  std::size_t first = 0, length = 0;  // instructions
};

/// All programs of a step, one after another as they lie in device memory.
struct Programs {
  std::vector<std::uint64_t> instructions;
  std::vector<FedImmediate> fed;
  std::vector<ProgramPlace> places;  // of each

  /// The program memory holds them all, as they lie; else each begins a row of the panel, and is
  /// loaded when it is needed.
  bool fit() const { return instructions.size() <= interface::kProgramInstructions; }
};
/// Equal programs are kept once.
Programs gather(const std::vector<const VectorProgram*>& programs);

/// Of a panel in device memory.
inline constexpr std::int64_t kInstructionsPerRow =
    interface::kPanelRowBytes / static_cast<std::int64_t>(sizeof(std::uint64_t));
inline constexpr std::uint64_t kProgramAddress = 0;  // in device memory
/// Rows of the panel that the programs take.
std::int64_t rows_of(const Programs& programs);

/// Streams of a command.
inline constexpr int kMostStreams = 4;

/// Cycles of a beat, in the strips and once a group.
struct BeatCycles {
  std::int64_t strips = 0, once = 0;
};
BeatCycles beat_cycles(const VectorProgram& program);
/// Cycles that a beat of VectorLanes elements takes (vector_unit.sv), for estimates.
std::int64_t cycles_per_beat(const VectorProgram& program);

}  // namespace corank
