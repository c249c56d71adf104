// Which command must wait for which, and the tokens that see to it.
//
// Commands of one unit start and complete in order. A command of another unit must wait where both
// touch the same lines or the same memory and one of them writes, or where both would use the same
// port (read or write) of the same bank: ownership of a bank changes hands by tokens. A wait is
// left out where an earlier wait already implies it.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "host/config/config.h"

namespace corank {

/// The units that execute commands, in the order of the token numbers: token = 4 * from + to.
enum class Engine { kLoad = 0, kArray = 1, kVector = 2, kStore = 3 };
inline constexpr int kEngines = 4;

enum class Space { kScratchpad = 0, kAccumulator = 1, kMemory = 2, kProgram = 3 };

/// Lines [begin, end) of a local memory, bytes of device memory, or instructions.
struct Access {
  Space space = Space::kScratchpad;
  std::int64_t begin = 0, end = 0;
  bool write = false;
};

struct Tokens {
  std::uint32_t wait = 0, signal = 0;
  std::array<std::int64_t, kEngines> waits_for{-1, -1, -1, -1};  // the commands that give them
};

class Dependencies {
 public:
  /// Lines of a bank of the scratchpad and of the accumulator memory.
  Dependencies(std::int64_t scratchpad_bank_lines, std::int64_t accumulator_bank_lines);

  /// Adds the next command in ring order; returns its index.
  std::size_t add(Engine engine, const std::vector<Access>& accesses);

  /// Tokens of every command added so far.
  const std::vector<Tokens>& tokens() const { return tokens_; }

 private:
  // The latest command of each engine that read or wrote something, or -1.
  struct Latest {
    std::array<std::int64_t, kEngines> read{-1, -1, -1, -1};
    std::array<std::int64_t, kEngines> write{-1, -1, -1, -1};
  };

  std::array<std::int64_t, 2> bank_lines_;
  std::unordered_map<std::uint64_t, Latest> pieces_;  // space and piece of it
  std::unordered_map<std::uint64_t, Latest> banks_;   // space and bank
  std::array<std::array<std::int64_t, kEngines>, kEngines>
      waited_;  // [from][to]: latest command waited for
  std::vector<Engine> engines_;
  std::vector<Tokens> tokens_;
};

}  // namespace corank
