// The two halves of each local memory that the tiles of an op take in turn when it is carried out
// by itself: the loads of one run beside the program of the other.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "host/compiler/dependencies.h"
#include "host/compiler/local_areas.h"

namespace corank {

struct LocalHalves {
  std::array<std::int64_t, 2> pitch{}, lines{};  // by Space

  std::int64_t lines_of(Space space) const { return lines[static_cast<std::size_t>(space)]; }
  std::int64_t line_of(Space space, std::size_t turn) const {
    return static_cast<std::int64_t>(turn % 2) * pitch[static_cast<std::size_t>(space)];
  }
  /// Behind the second half.
  std::int64_t end_of(Space space) const { return line_of(space, 1) + lines_of(space); }
};

/// As many lines as the compiler's limits leave of all areas together.
inline LocalHalves local_halves(const MachineShape& machine, const CompilerConfig& limits) {
  const LocalAreas areas = local_areas(machine, limits);
  const std::int64_t pitch = scratchpad_lines(machine) / 2;
  const std::int64_t lines = (areas.moving_lines + areas.stationary_lines + areas.output_lines) / 2;
  return {{pitch, areas.alone_pitch}, {std::min(pitch, lines), areas.alone_lines}};
}

}  // namespace corank
