#include <Vcommand_queues.h>

#include <array>
#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <vector>

#include "clocked.h"
#include "random_commands.h"

namespace corank::test {

namespace {

constexpr std::size_t kDepth = 3;       // as verilated
constexpr unsigned kCommandWords = 17;  // of queued_command_t
constexpr unsigned kCountBits = 2;

struct Command {
  std::uint32_t index;
  interface::CommandWords words;
};

struct QueuesOfUnits : Clocked<Vcommand_queues> {
  QueuesOfUnits() {
    module->stop_i = 0;
    module->valid_i = 0;
    module->available_i = 0;
    module->hold_i = 0;
    module->command_ready_i = 0;
    reset();
  }

  void offer(unsigned unit, const Command& command) {
    module->valid_i = 1u << unit;
    for (unsigned word = 0; word < 16; ++word) module->command_i[word] = command.words[word];
    module->command_i[16] = command.index;
  }

  void push(unsigned unit, const Command& command) {
    offer(unit, command);
    settle();
    REQUIRE(ready(unit));
    tick();
    module->valid_i = 0;
    settle();
  }

  static bool bit(std::uint32_t bits, unsigned unit) { return (bits >> unit & 1u) != 0; }
  bool ready(unsigned unit) { return bit(module->ready_o, unit); }
  bool held(unsigned unit) { return bit(module->held_o, unit); }
  bool valid(unsigned unit) { return bit(module->command_valid_o, unit); }
  bool accepts(unsigned unit) { return bit(module->accept_o, unit); }
  bool waiting(unsigned unit) { return bit(module->waiting_o, unit); }
  bool held_back(unsigned unit) { return bit(module->held_back_o, unit); }
  std::uint32_t take(unsigned unit) {
    return static_cast<std::uint32_t>(module->take_o >> 16 * unit & 0xffffu);
  }
  std::uint32_t count(unsigned unit) {
    return module->count_o >> kCountBits * unit & ((1u << kCountBits) - 1);
  }
  std::uint32_t index(unsigned unit) { return module->command_o[kCommandWords * unit + 16]; }

  bool heads(unsigned unit, const Command& command) {
    for (unsigned word = 0; word < 16; ++word)
      if (module->command_o[kCommandWords * unit + word] != command.words[word]) return false;
    return index(unit) == command.index;
  }
};

/// One of the queues, looked at alone.
struct Queue : QueuesOfUnits {
  static constexpr unsigned kUnit = kArrayQueue;

  /// And waits until it is the oldest, with nothing before it.
  void push_first(const Command& command) {
    push(kUnit, command);
    while (!held(kUnit)) {
      tick();
      settle();
    }
  }
};

Command gemm(std::uint32_t index, std::uint32_t wait_tokens) {
  interface::GemmCommand command;
  command.wait_tokens = wait_tokens;
  command.rows = command.columns = command.depth = 1;
  return {index, encode(command)};
}

}  // namespace

TEST_CASE("A command taken in in cycle t is held from t + 3 on, the next one three after a start") {
  Queue queue;
  queue->available_i = 0xffff;
  queue.push(Queue::kUnit, gemm(0, 0));  // in cycle 0
  queue.push(Queue::kUnit, gemm(1, 0));  // in cycle 1
  std::vector<int> starts;
  for (int cycle = 2; cycle < 12; ++cycle) {
    queue->command_ready_i = cycle == 3 || cycle > 4 ? 1u << Queue::kUnit : 0u;
    queue.settle();
    CHECK(queue.held(Queue::kUnit) == (cycle == 3 || cycle == 6));
    CHECK(queue.count(Queue::kUnit) == (cycle <= 3 ? 2 : cycle <= 6 ? 1 : 0));
    if (queue.accepts(Queue::kUnit)) starts.push_back(cycle);
    queue.tick();
  }
  CHECK(starts == std::vector<int>{3, 6});
}

TEST_CASE("Of several units without a command the first one reads the memory of the queues") {
  Queue queue;
  // Their first commands in cycles 0 to 3, one each, the last unit's first: nobody has to wait.
  for (unsigned i = 0; i < kQueues; ++i) {
    const unsigned unit = kQueues - 1 - i;
    std::mt19937 random(i);
    queue.push(unit, {i, random_command(random, static_cast<int>(unit), 0, 0)});
    queue.push(unit, {i, random_command(random, static_cast<int>(unit), 0, 0)});
  }
  for (int cycle = 0; cycle < 6; ++cycle) {
    queue.tick();
    queue.settle();
  }
  CHECK(queue->held_o == 0xf);
  // All leave in cycle 0: read in 1, 2, 3, 4, held from 3, 4, 5, 6 on.
  queue->command_ready_i = 0xf;
  queue.settle();
  queue.tick();
  queue->command_ready_i = 0;
  for (const unsigned held : {0x0u, 0x0u, 0x1u, 0x3u, 0x7u, 0xfu}) {
    queue.settle();
    CHECK(queue->held_o == held);
    queue.tick();
  }
}

TEST_CASE("A command that is held back is not offered and takes no token, whatever is available") {
  Queue queue;
  const Command command = gemm(3, 0x0022);
  queue.push_first(command);
  queue->command_ready_i = 1u << Queue::kUnit;
  queue->hold_i = 1u << Queue::kUnit;
  queue->available_i = 0;
  queue.settle();
  CHECK(queue.waiting(Queue::kUnit));
  CHECK_FALSE(queue.held_back(Queue::kUnit));  // its tokens are what it lacks first
  queue->available_i = 0xffff;
  for (int cycle = 0; cycle < 3; ++cycle) {
    queue.settle();
    CHECK_FALSE(queue.valid(Queue::kUnit));
    CHECK(queue.held_back(Queue::kUnit));
    CHECK_FALSE(queue.waiting(Queue::kUnit));
    CHECK(queue.take(Queue::kUnit) == 0);
    queue.tick();
  }
  queue->hold_i = 0;  // combinational: in this very cycle
  queue.settle();
  CHECK(queue.valid(Queue::kUnit));
  CHECK(queue.take(Queue::kUnit) == 0x0022);
  CHECK_FALSE(queue.held_back(Queue::kUnit));
  queue.tick();
  queue.settle();
  CHECK(queue.count(Queue::kUnit) == 0);
}

TEST_CASE("A command is offered when every token it waits for is there, and takes them") {
  Queue queue;
  const Command command = gemm(7, 0x0022);
  queue.push_first(command);
  CHECK(queue.count(Queue::kUnit) == 1);
  queue->command_ready_i = 1u << Queue::kUnit;
  for (const std::uint32_t available : {0x0000u, 0x0002u, 0x0020u, 0xffddu}) {
    queue->available_i = static_cast<std::uint16_t>(available);
    queue.settle();
    CHECK_FALSE(queue.valid(Queue::kUnit));
    CHECK(queue.waiting(Queue::kUnit));
    CHECK(queue.take(Queue::kUnit) == 0);
    queue.tick();
  }
  queue->available_i = 0x0022;  // combinational: in this very cycle
  queue.settle();
  CHECK(queue.valid(Queue::kUnit));
  CHECK_FALSE(queue.waiting(Queue::kUnit));
  CHECK(queue.heads(Queue::kUnit, command));
  CHECK(queue.take(Queue::kUnit) == 0x0022);
  CHECK(queue.index(Queue::kUnit) == 7);
  queue.tick();
  queue.settle();
  CHECK_FALSE(queue.valid(Queue::kUnit));
  CHECK_FALSE(queue.waiting(Queue::kUnit));
  CHECK(queue.count(Queue::kUnit) == 0);
}

TEST_CASE("Tokens are not taken while the unit is not ready") {
  Queue queue;
  queue->available_i = 0xffff;
  queue.push_first(gemm(0, 0x0002));
  CHECK(queue.valid(Queue::kUnit));
  CHECK(queue.take(Queue::kUnit) == 0);
}

TEST_CASE("A stopped queue offers nothing and keeps its commands") {
  Queue queue;
  queue.push_first(gemm(3, 0));
  queue->command_ready_i = 1u << Queue::kUnit;
  queue->stop_i = 1;
  queue.settle();
  CHECK_FALSE(queue.valid(Queue::kUnit));
  CHECK(queue.take(Queue::kUnit) == 0);
  queue.tick();
  queue.settle();
  CHECK(queue.count(Queue::kUnit) == 1);
}

TEST_CASE("A full queue takes no command, even in a cycle in which one leaves") {
  Queue queue;
  for (std::uint32_t index = 0; index < kDepth; ++index) queue.push_first(gemm(index, 0));
  queue.offer(Queue::kUnit, gemm(99, 0));
  queue->command_ready_i = 1u << Queue::kUnit;
  queue.settle();
  CHECK(queue.accepts(Queue::kUnit));
  CHECK_FALSE(queue.ready(Queue::kUnit));
  queue.tick();
  queue.settle();
  CHECK(queue.ready(Queue::kUnit));
  CHECK(queue.count(Queue::kUnit) == kDepth - 1);
}

TEST_CASE("Random traffic leaves each queue in order, each command with its tokens") {
  const unsigned seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  QueuesOfUnits queues;
  std::array<std::deque<Command>, kQueues> here;
  Command next{};
  unsigned next_unit = kQueues;  // none
  std::uint32_t pushed = 0, popped = 0;
  std::uint32_t available = 0;
  for (int cycle = 0; cycle < 20000; ++cycle) {
    if (next_unit == kQueues && random() % 2 == 0) {
      next_unit = static_cast<unsigned>(random() % kQueues);
      const int unit = static_cast<int>(next_unit);
      next = {pushed, random_command(random, unit, random() & random() & tokens_to(unit),
                                     random() & tokens_from(unit))};
    }
    queues->valid_i = 0;
    if (next_unit != kQueues) queues.offer(next_unit, next);
    available |= static_cast<std::uint32_t>(random() & random()) & 0xffffu;
    queues->available_i = static_cast<std::uint16_t>(available);
    queues->command_ready_i = random() % 16;
    queues.settle();

    for (unsigned unit = 0; unit < kQueues; ++unit) {
      std::deque<Command>& commands = here[unit];
      REQUIRE(queues.count(unit) == commands.size());
      REQUIRE(queues.ready(unit) == (commands.size() < kDepth));
      const bool held = queues.held(unit);
      if (held) REQUIRE_FALSE(commands.empty());
      const std::uint32_t wait = held ? commands.front().words[1] & 0xffffu : 0;
      const bool there = (wait & ~available) == 0;
      REQUIRE(queues.valid(unit) == (held && there));
      REQUIRE(queues.waiting(unit) == (held && !there));
      const bool accept = queues.valid(unit) && queues.bit(queues->command_ready_i, unit);
      REQUIRE(queues.accepts(unit) == accept);
      REQUIRE(queues.take(unit) == (accept ? wait : 0));
      const bool push = next_unit == unit && queues.ready(unit);
      if (accept) {
        REQUIRE(queues.heads(unit, commands.front()));
        commands.pop_front();
        available &= ~wait;
        ++popped;
      }
      if (push) {
        commands.push_back(next);
        next_unit = kQueues;
        ++pushed;
      }
    }
    queues.tick();
  }
  CHECK(popped > 2000);
}

}  // namespace corank::test
