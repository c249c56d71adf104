#include <Vstream_window.h>

#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "clocked.h"

namespace corank::test {

namespace {

struct Window : Clocked<Vstream_window> {
  Window() {
    quiet();
    module->written_i = 0;
    reset();
  }
  void quiet() {
    module->start_i = 0;
    module->take_i = 0;
    module->release_i = 0;
    module->complete_i = 0;
  }
  void start(bool take, bool release) {
    quiet();
    module->start_i = 1;
    module->take_i = take;
    module->release_i = release;
    settle();
    tick();
    quiet();
    settle();
  }
  void complete() {
    quiet();
    module->complete_i = 1;
    settle();
    tick();
    quiet();
    settle();
  }
};

}  // namespace

TEST_CASE("A tile is available from its writing until a load takes it") {
  Window window;
  CHECK_FALSE(window->available_o);
  window->written_i = 2;
  window.settle();
  CHECK(window->available_o);
  window.start(true, false);
  CHECK(window->available_o);  // the second one
  window.start(false, false);  // another load of the first tile
  CHECK(window->available_o);
  window.start(true, false);
  CHECK_FALSE(window->available_o);
  CHECK(window->released_o == 0);
}

TEST_CASE("A tile is released when the load that said so completes, not when it starts") {
  Window window;
  window->written_i = 1;
  window.settle();
  window.start(true, false);
  window.start(false, true);
  window.start(false, false);
  CHECK(window->released_o == 0);
  window.complete();
  CHECK(window->released_o == 0);
  window.complete();
  CHECK(window->released_o == 1);
  window.complete();
  CHECK(window->released_o == 1);
}

TEST_CASE("Random loads, against a model of the ring") {
  const unsigned seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Window window;
  std::uint32_t written = 0, taken = 0, released = 0;
  std::deque<bool> flags;
  for (int cycle = 0; cycle < 5000; ++cycle) {
    if (random() % 4 == 0) ++written;
    window->written_i = written;
    const bool take = random() % 2 && written != taken;
    const bool complete = !flags.empty() && random() % 3 == 0;
    const bool start = flags.size() < 6 && random() % 2;
    const bool release = random() % 3 == 0;
    window->start_i = start;
    window->take_i = take;
    window->release_i = release;
    window->complete_i = complete;
    window.settle();
    CHECK(window->available_o == (written != taken));
    CHECK(window->released_o == released);
    window.tick();
    if (complete) {
      released += flags.front();
      flags.pop_front();
    }
    if (start) {
      taken += take;
      flags.push_back(release);
    }
  }
  CHECK(taken > 500);
  CHECK(released > 300);
}

}  // namespace corank::test
