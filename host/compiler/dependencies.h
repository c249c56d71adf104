// Which command must wait for which, and the tokens that see to it.
//
// Commands of one unit start and complete in order. A command of another unit must wait where both
// touch the same lines or the same memory and one of them writes, or where both would use the same
// port (read or write) of the same bank: ownership of a bank changes hands by tokens. A wait is
// left out where an earlier wait already implies it. Indices are the one thing for which a command
// waits for one of its own unit: a gather begins before the load of its indices is complete.
//
// Tokens that nobody has taken yet gather in counters of the device: the stores of a tensor give
// theirs long before the loads of the next product take them. So that no counter overflows, a
// command waits for none but the last kWindow commands of a unit, the oldest of them in place of an
// older one, which is complete before it.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank {

using interface::Engine;
using interface::kEngines;
using interface::token;

enum class Space { kScratchpad = 0, kAccumulator = 1, kMemory = 2, kProgram = 3, kIndices = 4 };

/// Lines [begin, end) of a local memory, bytes of device memory, instructions, or indices.
struct Access {
  Space space = Space::kScratchpad;
  std::int64_t begin = 0, end = 0;
  bool write = false;
};

/// By unit: the index of the command that a command waits for; -1: it waits for none of that unit.
using Waits = std::array<std::int32_t, kEngines>;
inline constexpr Waits kNoWaits{-1, -1, -1, -1};

/// A counter holds interface::kMostTokens. Beside those of the last commands there
/// are at most the ones of waiting commands in a queue (16: accelerator.queue_depth) and one in
/// work.
inline constexpr std::size_t kWindow = 192;

class Dependencies {
 public:
  /// Lines of a bank of the scratchpad and of the accumulator memory.
  Dependencies(std::int64_t scratchpad_bank_lines, std::int64_t accumulator_bank_lines);

  /// Adds the next command in ring order. Each of the commands that it waits for signals it, and
  /// signals a later command of its unit again only when that one waits for a later command: the
  /// tokens of a pair of units match in order.
  Waits add(Engine engine, const std::vector<Access>& accesses);

 private:
  // The latest command of each engine that read or wrote something.
  struct Latest {
    Waits read = kNoWaits, write = kNoWaits;
  };
  // Of the local memories by piece and by bank, so that none is searched for: a step has millions
  // of commands. Of device memory only what is touched.
  struct LocalMemory {
    std::int64_t bank_lines;
    std::vector<Latest> pieces, banks;
  };

  std::int32_t oldest_in_window(std::size_t engine) const;

  template <class Visit>
  void for_each_piece(const Access& access, const Visit& visit);

  std::array<LocalMemory, 2> local_;  // by Space
  std::vector<Latest> program_, indices_;
  std::unordered_map<std::int64_t, Latest> memory_;
  std::array<Waits, kEngines> waited_;  // [from][to]: latest command waited for
  // By unit: its last commands, each in the place of the one kWindow commands before.
  std::array<std::array<std::int32_t, kWindow>, kEngines> last_{};
  std::array<std::size_t, kEngines> of_unit_{};  // how many it has
  std::int32_t commands_ = 0;
};

}  // namespace corank
