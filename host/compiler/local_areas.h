// Which lines of the local memories each use has while a stage is carried out.
#pragma once

#include <cstdint>

#include "host/compiler/compiler_config.h"
#include "sim/machine/shape.h"

namespace corank {

/// What is carried out together with a product, and so needs room of its own.
struct StageUse {
  bool biases = true;          // of FP32
  bool narrow_biases = false;  // of BF16, in the scratchpad
  bool elementwise = true;     // overlapped
  bool products = false;       // overlapped
  bool fused = false;          // a product that shares the moving operand
  bool regions = false;        // overlapped passes over regions
  bool followers = false;      // ops on its blocks, before those leave the local memories
};

/// Lines that each use may take.
struct LocalAreas {
  std::int64_t lanes = 8;  // elements of a line

  // Scratchpad. Moving and stationary operands lie in different banks, results in others.
  std::int64_t moving_line = 0, moving_lines = 0;
  std::int64_t stationary_line = 0, stationary_lines = 0;
  std::int64_t output_line = 0, output_lines = 0;  // results of the vector unit
  std::int64_t narrow_bias_line = 0, narrow_bias_lines = 0;
  // Of overlapped tiles. Where ops follow the product, its results stay in their place for a while;
  // else these share it.
  std::int64_t tile_line = 0, tile_lines = 0;
  // Two buffers, one behind the other, of what meets the results of a product or comes of them.
  std::int64_t follow_narrow_line = 0, follow_narrow_lines = 0;
  // A fused product's own operand, in the banks of the stationary ones.
  std::int64_t fused_line = 0, fused_lines = 0;
  // Two buffers of so many lines for each operand of overlapped products, in the banks of the
  // product's own.
  std::int64_t overlap_moving_line = 0, overlap_moving_lines = 0;
  std::int64_t overlap_stationary_line = 0, overlap_stationary_lines = 0;

  // Accumulators. Partial sums: two buffers, sum_pitch lines apart, or a single one.
  std::int64_t sum_line = 0, sum_pitch = 0, sum_lines = 0;
  std::int64_t single_sum_lines = 0;
  std::int64_t sum_bank_lines = 0;  // of a bank
  std::int64_t bias_line = 0, bias_lines = 0;
  // Two buffers for overlapped work, and two, from line 0, for an element-wise op alone. Regions
  // have whole rows: overlapped ones get what nobody else needs of these banks.
  std::int64_t overlap_line = 0, overlap_lines = 0, overlap_pitch = 0;
  std::int64_t alone_lines = 0, alone_pitch = 0;
  // Two buffers, one behind the other, as in the scratchpad.
  std::int64_t follow_wide_line = 0, follow_wide_lines = 0;
};

/// Splits the machine's local memories, of which `limits` may leave only a part. Banks are never
/// shared between uses that different units read at once.
LocalAreas local_areas(const MachineShape& machine, const CompilerConfig& limits,
                       const StageUse& use = {});

/// Local lines of a matrix of rows x columns elements.
std::int64_t lines_of(std::int64_t rows, std::int64_t columns, std::int64_t lanes);

}  // namespace corank
