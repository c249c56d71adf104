#include "host/compiler/local_areas.h"

#include <algorithm>

#include "host/compiler/ceil_div.h"

namespace corank {

std::int64_t lines_of(std::int64_t rows, std::int64_t columns, std::int64_t lanes) {
  return rows * ceil_div(columns, lanes);
}

LocalAreas local_areas(const MachineShape& machine, const CompilerConfig& limits,
                       const StageUse& use) {
  const std::int64_t lanes = memory_lanes(machine);
  const std::int64_t scratchpad_lines = corank::scratchpad_lines(machine);
  const std::int64_t accumulator_lines = corank::accumulator_lines(machine);
  // A limit leaves each use its share of the lines, in the same banks.
  const auto share = [](std::int64_t lines, int limit_kib, int kib) {
    return limit_kib > 0 ? lines * std::min(limit_kib, kib) / kib : lines;
  };
  const auto scratchpad = [&](std::int64_t lines) {
    return share(lines, limits.scratchpad_kib, machine.scratchpad_kib);
  };
  const auto accumulator = [&](std::int64_t lines) {
    return share(lines, limits.accumulator_kib, machine.accumulator_kib);
  };

  LocalAreas areas;
  areas.lanes = lanes;
  const std::int64_t eighth = scratchpad_lines / 8;  // whole banks: there are at least 8
  areas.moving_line = 0;
  // The array reads both operands at once, so they never share a bank: what moves
  // past any operand of this stage lies in the first part, what is stationary in the second.
  const std::int64_t overlap_moving = use.products ? eighth / 4 : 0;
  const std::int64_t overlap_stationary = use.products ? eighth : 0;
  const std::int64_t fused = use.fused ? eighth / 2 : 0;
  areas.moving_lines = scratchpad(3 * eighth - overlap_moving);
  areas.overlap_moving_line = 3 * eighth - overlap_moving;
  areas.overlap_moving_lines = scratchpad(overlap_moving / 2);
  areas.stationary_line = 3 * eighth;
  areas.stationary_lines = scratchpad(3 * eighth - overlap_stationary - fused);
  areas.fused_line = 6 * eighth - overlap_stationary - fused;
  areas.fused_lines = scratchpad(fused);
  areas.overlap_stationary_line = 6 * eighth - overlap_stationary;
  areas.overlap_stationary_lines = scratchpad(overlap_stationary / 2);
  areas.output_line = 6 * eighth;
  const std::int64_t narrow_biases = use.narrow_biases ? eighth / 4 : 0;
  const std::int64_t follow = use.followers ? eighth - narrow_biases : 0;
  const bool tiles_apart = use.followers && (use.elementwise || use.regions);
  const std::int64_t tiles = tiles_apart ? eighth / 2 : 0;
  areas.output_lines = scratchpad(2 * eighth - narrow_biases - follow - tiles);
  areas.tile_line = tiles_apart ? 8 * eighth - narrow_biases - follow - tiles : areas.output_line;
  areas.tile_lines = tiles_apart ? scratchpad(tiles) : areas.output_lines;
  areas.follow_narrow_line = 8 * eighth - narrow_biases - follow;
  areas.follow_narrow_lines = scratchpad(follow / 2);
  areas.narrow_bias_line = 8 * eighth - narrow_biases;
  areas.narrow_bias_lines = scratchpad(narrow_biases);
  // The last two banks are for what is not a sum.
  const std::int64_t bank = accumulator_lines / machine.accumulator_banks;
  const bool overlap = use.elementwise || use.products || use.fused || use.followers || use.regions;
  const std::int64_t other_banks = overlap ? 2 : use.biases ? 1 : 0;
  const std::int64_t sum_banks = machine.accumulator_banks - other_banks;
  areas.sum_line = 0;
  areas.sum_pitch = sum_banks / 2 * bank;
  areas.sum_lines = accumulator(areas.sum_pitch);
  areas.single_sum_lines = accumulator(sum_banks * bank);
  areas.sum_bank_lines = bank;
  areas.overlap_line = (machine.accumulator_banks - 2) * bank;
  areas.overlap_pitch = bank;
  const bool whole_banks = use.regions && !use.biases && !use.followers;
  areas.overlap_lines = accumulator(whole_banks ? bank : bank / 2);
  areas.follow_wide_line = areas.overlap_line + bank / 2;
  areas.follow_wide_lines = use.followers ? accumulator(bank / 4) : 0;
  areas.bias_line = (machine.accumulator_banks - 1) * bank + bank / 2;
  areas.bias_lines = accumulator(bank / 2);
  areas.alone_pitch = accumulator_lines / 2;
  areas.alone_lines = accumulator(accumulator_lines / 2);
  return areas;
}

}  // namespace corank
