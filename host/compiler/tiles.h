// Tiles of the array: at most so many elements, and none across the end of a local line.
#pragma once

#include "host/compiler/ceil_div.h"

namespace corank {

/// Tiles of at most `limit` elements along a dimension in lines of `lanes` elements
/// (array_unit.sv).
inline std::int64_t tiles(std::int64_t size, std::int64_t lanes, std::int64_t limit) {
  return size / lanes * ceil_div(lanes, limit) + ceil_div(size % lanes, limit);
}

}  // namespace corank
