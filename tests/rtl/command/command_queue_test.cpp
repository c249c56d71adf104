#include <Vcommand_queue.h>

#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "clocked.h"
#include "random_commands.h"

namespace corank::test {

namespace {

constexpr std::size_t kDepth = 3;  // as verilated

struct Command {
  std::uint32_t index;
  interface::CommandWords words;
};

struct Queue : Clocked<Vcommand_queue> {
  Queue() {
    module->stop_i = 0;
    module->valid_i = 0;
    module->available_i = 0;
    module->hold_i = 0;
    module->command_ready_i = 0;
    reset();
  }

  void offer(const Command& command) {
    module->valid_i = 1;
    for (unsigned word = 0; word < 16; ++word) module->command_i[word] = command.words[word];
    module->command_i[16] = command.index;
  }

  void push(const Command& command) {
    offer(command);
    settle();
    REQUIRE(module->ready_o);
    tick();
    module->valid_i = 0;
    settle();
  }

  bool heads(const Command& command) {
    for (unsigned word = 0; word < 16; ++word)
      if (module->command_o[word] != command.words[word]) return false;
    return module->command_o[16] == command.index;
  }
};

Command gemm(std::uint32_t index, std::uint32_t wait_tokens) {
  interface::GemmCommand command;
  command.wait_tokens = wait_tokens;
  command.rows = command.columns = command.depth = 1;
  return {index, encode(command)};
}

}  // namespace

TEST_CASE("A command that is held back is not offered and takes no token, whatever is available") {
  Queue queue;
  const Command command = gemm(3, 0x0022);
  queue.push(command);
  queue->command_ready_i = 1;
  queue->hold_i = 1;
  queue->available_i = 0;
  queue.settle();
  CHECK(queue->waiting_o);
  CHECK_FALSE(queue->held_back_o);  // its tokens are what it lacks first
  queue->available_i = 0xffff;
  for (int cycle = 0; cycle < 3; ++cycle) {
    queue.settle();
    CHECK_FALSE(queue->command_valid_o);
    CHECK(queue->held_back_o);
    CHECK_FALSE(queue->waiting_o);
    CHECK(queue->take_o == 0);
    queue.tick();
  }
  queue->hold_i = 0;  // combinational: in this very cycle
  queue.settle();
  CHECK(queue->command_valid_o);
  CHECK(queue->take_o == 0x0022);
  CHECK_FALSE(queue->held_back_o);
  queue.tick();
  queue.settle();
  CHECK(queue->count_o == 0);
}

TEST_CASE("A command is offered when every token it waits for is there, and takes them") {
  Queue queue;
  const Command command = gemm(7, 0x0022);
  queue.push(command);
  CHECK(queue->count_o == 1);
  queue->command_ready_i = 1;
  for (const std::uint32_t available : {0x0000u, 0x0002u, 0x0020u, 0xffddu}) {
    queue->available_i = static_cast<std::uint16_t>(available);
    queue.settle();
    CHECK_FALSE(queue->command_valid_o);
    CHECK(queue->waiting_o);
    CHECK(queue->take_o == 0);
    queue.tick();
  }
  queue->available_i = 0x0022;  // combinational: in this very cycle
  queue.settle();
  CHECK(queue->command_valid_o);
  CHECK_FALSE(queue->waiting_o);
  CHECK(queue.heads(command));
  CHECK(queue->take_o == 0x0022);
  CHECK(queue->command_o[16] == 7);
  queue.tick();
  queue.settle();
  CHECK_FALSE(queue->command_valid_o);
  CHECK_FALSE(queue->waiting_o);
  CHECK(queue->count_o == 0);
}

TEST_CASE("Tokens are not taken while the unit is not ready") {
  Queue queue;
  queue->available_i = 0xffff;
  queue.push(gemm(0, 0x0002));
  CHECK(queue->command_valid_o);
  CHECK(queue->take_o == 0);
}

TEST_CASE("A stopped queue offers nothing and keeps its commands") {
  Queue queue;
  queue.push(gemm(3, 0));
  queue->command_ready_i = 1;
  queue->stop_i = 1;
  queue.settle();
  CHECK_FALSE(queue->command_valid_o);
  CHECK(queue->take_o == 0);
  queue.tick();
  queue.settle();
  CHECK(queue->count_o == 1);
}

TEST_CASE("A full queue takes no command, even in a cycle in which one leaves") {
  Queue queue;
  for (std::uint32_t index = 0; index < kDepth; ++index) queue.push(gemm(index, 0));
  queue.offer(gemm(99, 0));
  queue->command_ready_i = 1;
  queue.settle();
  CHECK_FALSE(queue->ready_o);
  queue.tick();
  queue.settle();
  CHECK(queue->ready_o);
  CHECK(queue->count_o == kDepth - 1);
}

TEST_CASE("Random traffic leaves the queue in order, each command with its tokens") {
  const unsigned seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Queue queue;
  std::deque<Command> held;
  Command next{};
  bool offered = false;
  std::uint32_t pushed = 0, popped = 0;
  std::uint32_t available = 0;
  for (int cycle = 0; cycle < 5000; ++cycle) {
    if (!offered && random() % 2 == 0) {
      next = {pushed,
              random_command(random, kArrayQueue, random() & random() & tokens_to(kArrayQueue),
                             random() & 0xf0u)};
      offered = true;
    }
    queue->valid_i = offered;
    if (offered) queue.offer(next);
    available |= static_cast<std::uint32_t>(random() & random()) & 0xffffu;
    queue->available_i = static_cast<std::uint16_t>(available);
    queue->command_ready_i = random() % 2;
    queue.settle();

    REQUIRE(queue->count_o == held.size());
    REQUIRE(queue->ready_o == (held.size() < kDepth));
    const std::uint32_t wait = held.empty() ? 0 : held.front().words[1] & 0xffffu;
    const bool there = (wait & ~available) == 0;
    REQUIRE(queue->command_valid_o == (!held.empty() && there));
    REQUIRE(queue->waiting_o == (!held.empty() && !there));
    const bool accept = queue->command_valid_o && queue->command_ready_i;
    REQUIRE(queue->take_o == (accept ? wait : 0));
    const bool push = offered && queue->ready_o;
    if (accept) {
      REQUIRE(queue.heads(held.front()));
      REQUIRE(queue->command_o[16] == held.front().index);
      held.pop_front();
      available &= ~wait;
      ++popped;
    }
    if (push) {
      held.push_back(next);
      offered = false;
      ++pushed;
    }
    queue.tick();
  }
  CHECK(popped > 1000);
}

}  // namespace corank::test
