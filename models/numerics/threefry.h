// Threefry-2x32 with 20 rounds (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC
// 2011), the generator of JAX: a block of two words is a function of a key and a counter of two
// words each, by additions, rotations and exclusive ors alone. The body is one of the vector
// unit's, as those of numerics/functions.h.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "models/base/vector_arithmetic.h"

namespace corank {

struct ThreefryKey {
  std::uint32_t first, second;
};

template <class Integer>
struct ThreefryBlock {
  Integer first, second;
};

/// What is added to both words before the first round and after every fourth one.
template <class Number>
struct ThreefryScheduleOf {
  std::array<Number, 6> first, second;
};
using ThreefrySchedule = ThreefryScheduleOf<std::int32_t>;

/// Of a key, and of the first word of the counter: that of many blocks, which is added here.
inline ThreefrySchedule threefry_schedule(ThreefryKey key, std::uint32_t first_of_counter) {
  const std::uint32_t words[] = {key.first, key.second, key.first ^ key.second ^ 0x1BD11BDAu};
  ThreefrySchedule schedule{};
  for (std::uint32_t i = 0; i < 6; ++i) {
    schedule.first[i] = static_cast<std::int32_t>(words[i % 3]);
    schedule.second[i] = static_cast<std::int32_t>(words[(i + 1) % 3] + i);
  }
  schedule.first[0] = int_add(schedule.first[0], static_cast<std::int32_t>(first_of_counter));
  return schedule;
}

/// A round for each rotation. No loop: within one, the compiler makes no vectors of the caller's.
template <std::int32_t... rotations, class Integer>
void threefry_rounds(Integer& first, Integer& second) {
  ((first = int_add(std::move(first), second),
    second = bit_xor(rotate_left(std::move(second), rotations), first)),
   ...);
}

template <std::size_t i, class Integer, class Number>
void inject(const ThreefryScheduleOf<Number>& schedule, Integer& first, Integer& second) {
  first = int_add(std::move(first), schedule.first[i]);
  second = int_add(std::move(second), schedule.second[i]);
}

/// The block of the counter whose second word is `second_of_counter`. 71 instructions.
template <class Integer, class Number>
ThreefryBlock<Integer> threefry(const ThreefryScheduleOf<Number>& schedule,
                                const Integer& second_of_counter) {
  // The first round begins with a sum, one summand of which is the same for all blocks.
  Integer second = int_add(second_of_counter, schedule.second[0]);
  Integer first = int_add(second, schedule.first[0]);
  second = bit_xor(rotate_left(std::move(second), 13), first);
  threefry_rounds<15, 26, 6>(first, second);
  inject<1>(schedule, first, second);
  threefry_rounds<17, 29, 16, 24>(first, second);
  inject<2>(schedule, first, second);
  threefry_rounds<13, 15, 26, 6>(first, second);
  inject<3>(schedule, first, second);
  threefry_rounds<17, 29, 16, 24>(first, second);
  inject<4>(schedule, first, second);
  threefry_rounds<13, 15, 26, 6>(first, second);
  inject<5>(schedule, first, second);
  return {std::move(first), std::move(second)};
}

/// A key that depends on another one and on a number: the block of the number's words, the upper
/// one first, as jax.random.fold_in has it.
inline ThreefryKey fold_in(ThreefryKey key, std::uint64_t number) {
  const ThreefryBlock<std::int32_t> block =
      threefry(threefry_schedule(key, static_cast<std::uint32_t>(number >> 32)),
               static_cast<std::int32_t>(static_cast<std::uint32_t>(number)));
  return {static_cast<std::uint32_t>(block.first), static_cast<std::uint32_t>(block.second)};
}

}  // namespace corank
