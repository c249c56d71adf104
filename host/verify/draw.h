// Draws from a random generator: the same ones on every computer, which the standard library's
// distributions are not.
#pragma once

#include <cstdint>
#include <random>

namespace corank::draw {

using Random = std::mt19937_64;

/// low..high, both included.
inline std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

/// The same, for a field of type int.
inline int int_between(Random& random, int low, int high) {
  return static_cast<int>(between(random, low, high));
}

/// True once in `one_in` times.
inline bool chance(Random& random, std::uint64_t one_in) { return random() % one_in == 0; }

template <class List>
auto one_of(Random& random, const List& list) {
  return list[random() % list.size()];
}

}  // namespace corank::draw
