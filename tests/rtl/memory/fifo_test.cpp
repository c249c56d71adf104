// The queue against std::deque: random pushes and pops, for depths of one, no power of two, a power
// of two.
#include <Vfifo_1.h>
#include <Vfifo_3.h>
#include <Vfifo_8.h>

#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "tests/rtl/command/clocked.h"
#include "tests/rtl/memory/seed.h"

namespace {

template <class Module>
void compare_with_deque(std::size_t depth) {
  const unsigned seed = corank::test::new_seed();
  INFO("depth " << depth << ", seed " << seed);
  std::mt19937_64 random(seed);
  corank::test::Clocked<Module> fifo;
  std::deque<std::uint64_t> expected;
  fifo->valid_i = 0;
  fifo->ready_i = 0;
  fifo.reset();
  bool was_full = false;
  for (int cycle = 0; cycle < 20000; ++cycle) {
    // Spells in which it fills and spells in which it drains.
    const unsigned push_chance = (cycle / 100) % 2 == 0 ? 7 : 3;
    fifo->valid_i = random() % 10 < push_chance;
    fifo->ready_i = random() % 10 < 5;
    fifo->data_i = random() & 0xff'ffff'ffffu;
    fifo.settle();
    REQUIRE(fifo->count_o == expected.size());
    REQUIRE((fifo->valid_o != 0) == !expected.empty());
    REQUIRE((fifo->ready_o != 0) == (expected.size() < depth));
    if (!expected.empty()) REQUIRE(fifo->data_o == expected.front());
    was_full = was_full || expected.size() == depth;
    const bool push = fifo->valid_i && fifo->ready_o;
    if (fifo->ready_i && fifo->valid_o) expected.pop_front();
    if (push) expected.push_back(fifo->data_i);
    fifo.tick();
  }
  CHECK(was_full);
}

}  // namespace

TEST_CASE("a queue gives back its words in order and says how many it holds") {
  compare_with_deque<Vfifo_1>(1);
  compare_with_deque<Vfifo_3>(3);
  compare_with_deque<Vfifo_8>(8);
}

TEST_CASE("a queue of more than one place passes a word every cycle") {
  corank::test::Clocked<Vfifo_3> fifo;
  fifo->valid_i = 1;
  fifo->ready_i = 1;
  fifo->data_i = 0;
  fifo.reset();
  // What reset left: a word may have been pushed in its last cycle, so look at differences only.
  fifo.settle();
  for (std::uint64_t word = 1; word < 100; ++word) {
    fifo->data_i = word;
    fifo.settle();
    REQUIRE(fifo->ready_o == 1);
    fifo.tick();
    REQUIRE(fifo->valid_o == 1);
    REQUIRE(fifo->data_o == word);
  }
}
