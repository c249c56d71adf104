#include "host/report/step_bound.h"

#include <catch2/catch.hpp>

#include "models/program/linear_layers.h"

using namespace corank;

namespace {

constexpr double kKib = 1024, kMib = 1024 * kKib;

Graph layer_graph(std::int64_t tokens, std::int64_t in, std::int64_t out, int rank) {
  LinearLayer step;
  step.tokens = tokens;
  step.in = in;
  step.out = out;
  step.lora = {2, rank, false};
  return linear_layers({step}).graph;
}

}  // namespace

TEST_CASE("a product whose sums fit the accumulators reads each operand once", "[bound]") {
  CHECK(least_operand_bytes(64, 32, 100, {0, 64 * 32 * 4}) == 2 * (64 + 32) * 100);
  CHECK(least_operand_bytes(64, 32, 100, {1 * kMib, 64 * 32 * 4}) == 2 * (64 + 32) * 100);
}

TEST_CASE("blocks that fill the accumulators decide how often operands are read", "[bound]") {
  // 512 x 4096 sums in blocks of 512 KiB, 16 of them. Two rows of eight blocks (256 x 512): x, 4
  // MiB, is read eight times, W, 32 MiB, twice. One row of sixteen (512 x 256): 16 x 4 + 32, the
  // same.
  CHECK(least_operand_bytes(512, 4096, 4096, {0, 512 * kKib}) == 96 * kMib);
  // In the other direction nothing is whole: 11 x 4 MiB + 16 / 11 x 32 MiB is less, and no bound.
  CHECK(least_operand_bytes(4096, 512, 4096, {0, 512 * kKib}) == 96 * kMib);
}

TEST_CASE("a block may find the scratchpad full of what it needs, but the first one", "[bound]") {
  CHECK(least_operand_bytes(512, 4096, 4096, {512 * kKib, 512 * kKib}) ==
        96 * kMib - 15 * 512 * kKib);
}

TEST_CASE("rows that stay in the scratchpad are read once", "[bound]") {
  // All of x, 8 x 64 x 2 bytes, fits; W is read once then, whatever the accumulators hold.
  CHECK(least_operand_bytes(8, 4096, 64, {1 * kKib, 32}) == 2 * (8 + 4096) * 64);
}

TEST_CASE("a step reads what both passes need twice, and writes its results once", "[bound]") {
  // Everything fits: y and dx are one block. Forward: x, W, and the masters of A and B.
  // Backward: dy and W, x once more for the gradient of A, masters and two moments each.
  const double x = 16 * 24 * 2, w = 40 * 24 * 2, dy = 16 * 40 * 2, a = 3 * 24 * 4, b = 40 * 3 * 4;
  const double forward = x + w + a + b, backward = dy + w + x + 3 * (a + b);
  // y and dx; of A and B the gradient, the new master and two moments.
  const double writes = dy + x + 4 * (a + b);
  // 4 KiB hold 16 x 40 sums; of what the backward pass needs, the last 64 bytes are there.
  CHECK(least_bytes(layer_graph(16, 24, 40, 3), {64, 4 * kKib}) ==
        forward + backward - 64 - 4 * kKib + writes);
}

TEST_CASE("the longer of the array's and the memory's time bounds a step", "[bound]") {
  MachineShape machine;
  machine.array_rows = machine.array_columns = 8;
  machine.scratchpad_kib = machine.accumulator_kib = 64;
  const Graph graph = layer_graph(64, 256, 128, 4);
  const double macs = 2 * 64 * 256 * 128 + 3 * 64 * 4 * (256 + 128);
  const StepBound fast = step_bound(graph, machine, 1000);
  CHECK(fast.cycles() == macs / 64);
  const StepBound slow = step_bound(graph, machine, 0.25);
  CHECK(slow.array_cycles == macs / 64);
  CHECK(slow.cycles() == 4 * slow.bytes);
  CHECK(slow.bytes == least_bytes(graph, {64 * kKib, 64 * kKib}));
}
