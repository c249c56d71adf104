// A load, store, gather or scatter command as the formulas of its contract have it, element by
// element, burst by burst.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <random>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank::test {

enum Target : std::uint32_t { kScratchpad = 0, kAccumulator = 1, kProgram = 2, kIndices = 3 };

struct Block {
  std::uint32_t target = kScratchpad;
  std::uint64_t address = 0;  // bytes, as panel_stride
  std::uint32_t rows = 1, columns = 1, panel_stride = 0;
  std::uint32_t line = 0, line_stride = 0;
  std::uint32_t index = 0, signal_tokens = 0;  // of its command
  // Of a gather or a scatter: row k is row rows_at[k] of a matrix of `limit` rows in memory.
  std::vector<std::uint32_t> rows_at;
  std::uint32_t row_pitch = 0, first_index = 0, limit = 0;

  bool indexed() const { return !rows_at.empty(); }
  bool to_local() const { return target <= kAccumulator; }
  unsigned element_bytes() const { return target == kAccumulator ? 4 : 2; }
  unsigned panel_columns() const { return 128 / element_bytes(); }
  unsigned panels() const {
    return !to_local() ? 1 : (columns + panel_columns() - 1) / panel_columns();
  }
};
std::ostream& operator<<(std::ostream& out, const Block& block);

struct Burst {
  std::uint64_t address = 0;
  unsigned beats = 0;
  bool operator==(const Burst& other) const {
    return address == other.address && beats == other.beats;
  }
};
std::ostream& operator<<(std::ostream& out, const Burst& burst);

/// The bursts of a block, up to a row with a bad index, on a bus of `beat_bytes`, at most
/// `burst_beats` long: byte by byte, a new one at every boundary.
std::vector<Burst> bursts_of(const Block& block, unsigned beat_bytes, unsigned burst_beats);

/// Where an element is in memory (bytes) and in a local memory of `lanes` elements a line.
struct Element {
  std::uint64_t address = 0;
  std::uint32_t line = 0, column = 0;
};
std::vector<Element> elements_of(const Block& block, unsigned lanes);

/// Blocks of 1..70 rows and 1..300 columns that overlap neither in memory (from `address` on) nor
/// in the local memory (from line 0 on), with gaps; rows of gathers and scatters at random. Only if
/// `loads` there are programs, and in front of each gather a load of its indices.
std::vector<Block> random_blocks(unsigned count, std::uint64_t address, unsigned lanes, bool loads,
                                 std::mt19937_64& random);

/// A load of the indices of a gather, and of the `before` ones in front of them.
Block load_of_indices(const Block& gather, std::uint64_t address, std::uint32_t before = 0);

interface::CommandWords encode_load(const Block& block);
interface::CommandWords encode_store(const Block& block);

}  // namespace corank::test
