// The two halves of each local memory, or of a part of it, that the tiles of an op take in turn:
// the loads of one run beside the program of the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "host/compiler/dependencies.h"
#include "host/compiler/local_areas.h"

namespace corank {

struct LocalHalves {
  std::array<std::int64_t, 2> pitch{}, lines{}, first_line{};  // by Space

  std::int64_t lines_of(Space space) const { return lines[static_cast<std::size_t>(space)]; }
  std::int64_t line_of(Space space, std::size_t turn) const {
    const auto index = static_cast<std::size_t>(space);
    return first_line[index] + static_cast<std::int64_t>(turn % 2) * pitch[index];
  }
  /// Behind the second half.
  std::int64_t end_of(Space space) const { return line_of(space, 1) + lines_of(space); }
};

/// Of an op that is carried out by itself: as many lines as the compiler's limits leave of all
/// areas together.
inline LocalHalves local_halves(const MachineShape& machine, const CompilerConfig& limits) {
  const LocalAreas areas = local_areas(machine, limits);
  const std::int64_t pitch = scratchpad_lines(machine) / 2;
  const std::int64_t lines = (areas.moving_lines + areas.stationary_lines + areas.output_lines) / 2;
  return {{pitch, areas.alone_pitch}, {std::min(pitch, lines), areas.alone_lines}, {}};
}

/// Of one that is overlapped with a product.
inline LocalHalves overlap_halves(const LocalAreas& areas) {
  const std::int64_t half = areas.tile_lines / 2;
  return {{half, areas.overlap_pitch},
          {half, areas.overlap_lines},
          {areas.tile_line, areas.overlap_line}};
}

}  // namespace corank
