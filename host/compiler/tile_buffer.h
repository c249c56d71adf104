// Blocks of matrices, and the buffers of a local memory that they are loaded to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

/// A rectangle of a stored matrix.
struct Block {
  ValueId value = -1;
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};
inline bool same(const Block& a, const Block& b) {
  return std::tie(a.value, a.row, a.column, a.rows, a.columns) ==
         std::tie(b.value, b.row, b.column, b.rows, b.columns);
}

/// A block in a local memory, at `line`, panels `rows` lines apart.
struct Local {
  std::int64_t line = 0;
  std::int64_t rows = 0, columns = 0;
};

/// Part of a local memory, divided into equal slots of one block each. A block that is still there
/// need not be loaded again. The replacement is Belady's: a new block takes the slot whose block is
/// needed again last or never, ties going to the least recently used one, but none of the
/// `protected` slots that were used last, whose gemms may be still to come. `next` is the line
/// behind the last one written by whoever used the part before: the slots from there on come first,
/// so that loads need not wait for what is still being read.
class TileBuffer {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  TileBuffer(std::int64_t line, std::int64_t lines, std::int64_t slot_lines, std::int64_t next = 0)
      : line_(line), slot_lines_(slot_lines) {
    slots_.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, lines / slot_lines)));
    const std::int64_t first = (std::max(next, line) - line + slot_lines - 1) / slot_lines;
    for (std::int64_t i = 0; i < count(); ++i)
      slots_[static_cast<std::size_t>((first + i) % count())].used = i - count();
  }

  /// The slots that were used last, so many, keep their blocks.
  void protect(std::int64_t count) { protected_ = std::min(count, this->count() - 1); }

  /// The slot's first line, and whether the block is there already. `needed_again`: when, in a
  /// clock of the caller.
  std::pair<std::int64_t, bool> take(const Block& block, std::int64_t needed_again = kNever) {
    auto slot = std::find_if(slots_.begin(), slots_.end(),
                             [&](const Slot& s) { return s.used > 0 && same(s.block, block); });
    const bool there = slot != slots_.end();
    if (!there) {
      std::vector<std::int64_t> last;
      for (const Slot& s : slots_) last.push_back(s.used);
      std::nth_element(last.begin(), last.end() - 1 - protected_, last.end());
      const std::int64_t newest = *(last.end() - 1 - protected_);
      const auto goes_before = [&](const Slot& a, const Slot& b) {
        const bool a_may = a.used <= newest, b_may = b.used <= newest;
        return std::tuple(!a_may, -a.needed_again, a.used) <
               std::tuple(!b_may, -b.needed_again, b.used);
      };
      slot = std::min_element(slots_.begin(), slots_.end(), goes_before);
    }
    slot->block = block;
    slot->needed_again = needed_again;
    slot->used = ++clock_;
    const std::int64_t line = line_ + (slot - slots_.begin()) * slot_lines_;
    if (!there) next_ = line + slot_lines_;
    return {line, there};
  }

  std::int64_t count() const { return static_cast<std::int64_t>(slots_.size()); }

  /// The line behind the slot that was taken anew last.
  std::int64_t next() const { return next_; }

 private:
  struct Slot {
    Block block;
    std::int64_t used = 0;
    std::int64_t needed_again = kNever;
  };
  std::int64_t line_, slot_lines_;
  std::int64_t clock_ = 0, next_ = 0, protected_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace corank
