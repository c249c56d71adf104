// What the tokens of a ring of commands say of its time: which commands are known to be complete
// when another one starts. It is a vector clock of the four units (C. Fidge, "Timestamps in
// Message-Passing Systems That Preserve the Partial Ordering", 1988; F. Mattern, "Virtual Time and
// Global States of Distributed Systems", 1989), with tokens for messages.
//
// Commands of a unit start and complete in the order of the ring. A counter holds the tokens of a
// giver and a taker, so the k-th that is taken is not there before the k-th is given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "rtl/interface/interface.h"

namespace corank {

using interface::Engine;

/// Those that have commands, and tokens for each other.
inline constexpr std::array<Engine, interface::kEngines> kUnits{Engine::kLoad, Engine::kArray,
                                                                Engine::kVector, Engine::kStore};
/// The first bit of what a command gives (interface.yaml).
inline constexpr int kFirstSignal = 16;

/// By unit: a command's index in the ring; -1: none.
using OfUnits = std::array<std::int32_t, interface::kEngines>;
inline constexpr OfUnits kNoCommands{-1, -1, -1, -1};

/// The unit that carries out a command; none: a halt or a nop.
std::optional<Engine> engine_of(const interface::CommandWords& words);

class TokenClocks {
 public:
  /// Commands that can wait in front of each unit (accelerator.queue_depth).
  explicit TokenClocks(int queue_depth) : queue_depth_(static_cast<std::size_t>(queue_depth)) {}

  /// The next command in the order of the ring, of this unit, with its tokens (words[1]). Returns
  /// the latest command of each unit that is known to be complete when it starts, and with it all
  /// before that one. Nothing: it waits for a token, of missing(), that no earlier command gives;
  /// then nothing follows.
  std::optional<OfUnits> next(Engine unit, std::uint32_t tokens);
  /// The next command, of no unit; a halt waits until everything before it is complete.
  void next_is_halt();
  void next_is_nop() { ++commands_; }

  Engine missing() const { return missing_; }

  /// Tokens of a giver and a taker.
  struct Pair {
    Engine from{}, to{};
  };
  struct Given {
    Pair pair;
    std::int32_t by = -1;  // a command
  };
  /// The first of a pair that may come to a counter which is full. In it are at most the tokens
  /// that have been given and are not taken by a command that is known to have started by then: it
  /// is complete, or lies before the giver and not among the last ones that can wait in the queue.
  const std::vector<Given>& overflows() const { return overflows_; }
  /// That nobody has taken.
  std::vector<Given> left_over() const;

 private:
  struct Tokens {
    std::deque<OfUnits> given;        // what is complete with each that has not been taken
    std::deque<std::int32_t> takers;  // not known to have started when the last one was given
    int open = 0;                     // that may be in the counter then, at most
    bool overflows = false;
  };
  // Commands of a unit.
  struct Unit {
    OfUnits complete = kNoCommands;    // at the start of the last one
    std::deque<std::int32_t> waiting;  // the last ones, which may be in the queue
    std::int32_t started = -1;         // the one before these
  };
  bool take(Engine unit, std::uint32_t tokens);
  void give(Engine unit, std::uint32_t tokens);
  void count_given(const Pair& pair, const OfUnits& complete);
  Unit& unit_at(Engine unit) { return units_[static_cast<std::size_t>(unit)]; }
  Tokens& tokens_of(const Pair& pair) {
    return tokens_[static_cast<std::size_t>(pair.from)][static_cast<std::size_t>(pair.to)];
  }

  const std::size_t queue_depth_;
  std::int32_t commands_ = 0;
  std::array<Unit, interface::kEngines> units_;
  std::array<std::array<Tokens, interface::kEngines>, interface::kEngines> tokens_;  // [from][to]
  Engine missing_{};
  std::vector<Given> overflows_;
};

}  // namespace corank
