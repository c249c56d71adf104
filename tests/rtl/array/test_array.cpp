// The array unit against plain loops, bit for bit, and against the timing rules of its header,
// cycle for cycle.
#include VERILATED_HEADER

#include <verilated.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "models/base/numerics.h"
#include "rtl/interface/interface.h"

using namespace corank;
using namespace corank::interface;

namespace {

constexpr int R = ARRAY_ROWS, C = ARRAY_COLUMNS, E = ARRAY_LANES;
constexpr int kLines = 1024;

struct Bench {
  VerilatedContext context;
  VERILATED_CLASS top{&context};
  std::int64_t cycle = 0;
  std::vector<std::uint16_t> scratchpad = std::vector<std::uint16_t>(kLines * E);
  std::vector<std::uint32_t> sums = std::vector<std::uint32_t>(kLines * E);
  struct Completion {
    std::uint32_t index;
    std::int64_t cycle;
  };
  std::vector<Completion> completions;
  std::int64_t macs = 0, slots = 0;
  bool row_before = false;

  Bench() {
    top.rst_ni = 0;
    tick();
    tick();
    top.rst_ni = 1;
    tick();
  }

  // Inputs are set before; outputs of this cycle are sampled before the edge.
  void tick() {
    top.clk_i = 0;
    top.eval();
    if (top.rst_ni != 0) {
      if (top.completion_valid_o) completions.push_back({top.completion_index_o, cycle});
      if (row_before) macs += top.macs_o;
      row_before = top.row_o != 0;
      slots += top.slot_o;
      REQUIRE(!top.fault_o);
    }
    // As the machine's shell does it; a bit-level array takes no notice.
    const FloatEnvironment environment;
    top.clk_i = 1;
    top.eval();
    ++cycle;
  }

  template <class Port, class Word>
  static void set(Port& port, const Word* words, int count) {
    std::memcpy(&port, words, sizeof(Word) * static_cast<std::size_t>(count));
  }

  void write_memories() {
    for (std::uint32_t line = 0; line < kLines; ++line) {
      top.scratchpad_write_i = 1;
      top.accumulator_write_i = 1;
      top.scratchpad_line_i = line;
      top.accumulator_line_i = line;
      set(top.scratchpad_data_i, &scratchpad[line * E], E);
      set(top.accumulator_data_i, &sums[line * E], E);
      tick();
    }
    top.scratchpad_write_i = 0;
    top.accumulator_write_i = 0;
  }

  std::vector<std::uint32_t> read_accumulators() {
    std::vector<std::uint32_t> found(kLines * E);
    for (std::uint32_t line = 0; line < kLines + 3; ++line) {
      top.accumulator_read_i = line < kLines;
      top.accumulator_line_i = line;
      tick();  // data of line - 2 becomes readable three cycles after its request, that is now
      top.eval();
      if (line >= 2 && line < kLines + 2)
        std::memcpy(&found[(line - 2) * E], &top.accumulator_data_o, sizeof(std::uint32_t) * E);
    }
    top.accumulator_read_i = 0;
    return found;
  }

  // Offers the commands back to back from `start` on; returns the cycle in which each was accepted.
  std::vector<std::int64_t> run(const std::vector<GemmCommand>& commands) {
    std::vector<std::int64_t> accepted;
    completions.clear();
    std::size_t next = 0;
    for (int guard = 0; completions.size() < commands.size(); ++guard) {
      REQUIRE(guard < 200000);
      top.command_valid_i = next < commands.size();
      if (next < commands.size()) {
        const CommandWords words = encode(commands[next]);
        set(top.command_i, words.data(), 16);
        top.command_index_i = static_cast<std::uint32_t>(next);
      }
      top.clk_i = 0;
      top.eval();
      const bool taken = top.command_valid_i && top.command_ready_o;
      if (taken) accepted.push_back(cycle);
      tick();
      if (taken) ++next;
    }
    top.command_valid_i = 0;
    return accepted;
  }
};

int line_of(int base, int stride, int row, int column) { return base + column / E * stride + row; }

// What the command means, as plain loops.
void apply(const GemmCommand& g, const std::vector<std::uint16_t>& scratchpad,
           std::vector<std::uint32_t>& sums) {
  const FloatEnvironment environment;
  const auto element = [&](std::uint32_t base, std::uint32_t stride, int row, int column) {
    return scratchpad[static_cast<std::size_t>(
        line_of(static_cast<int>(base), static_cast<int>(stride), row, column) * E + column % E)];
  };
  for (int i = 0; i < static_cast<int>(g.rows); ++i) {
    for (int j = 0; j < static_cast<int>(g.columns); ++j) {
      std::uint32_t& place =
          sums[static_cast<std::size_t>(line_of(static_cast<int>(g.accumulator_line),
                                                static_cast<int>(g.accumulator_stride), i, j) *
                                            E +
                                        j % E)];
      float sum = g.accumulate ? float_from_bits(place) : 0.0f;
      for (int k = 0; k < static_cast<int>(g.depth); ++k) {
        const std::uint16_t x = g.stream_transposed ? element(g.stream_line, g.stream_stride, k, i)
                                                    : element(g.stream_line, g.stream_stride, i, k);
        const std::uint16_t w = g.stationary_transposed
                                    ? element(g.stationary_line, g.stationary_stride, j, k)
                                    : element(g.stationary_line, g.stationary_stride, k, j);
        sum = multiply_accumulate(sum, x, w);
      }
      place = bits_of(sum);
    }
  }
}

std::vector<int> tiles(int size, int limit) {
  std::vector<int> sizes;
  for (int done = 0; done < size;) {
    const int tile = std::min({limit, E - done % E, size - done});
    sizes.push_back(tile);
    done += tile;
  }
  return sizes;
}

// The rules of array_unit.sv's header, one line each: cycles of the completion pulses.
std::vector<std::int64_t> expected_completions(const std::vector<GemmCommand>& commands,
                                               const std::vector<std::int64_t>& accepted) {
  const std::int64_t D = 2 * R + 3, never = -1000000;
  std::int64_t P = never, d = 0, S = never, M = 0, round = never, last_row = never;
  std::vector<std::int64_t> completions;
  for (std::size_t n = 0; n < commands.size(); ++n) {
    const GemmCommand& g = commands[n];
    const bool chained = n > 0 && g.rows == commands[n - 1].rows &&
                         g.columns == commands[n - 1].columns &&
                         g.accumulator_line == commands[n - 1].accumulator_line &&
                         g.accumulator_stride == commands[n - 1].accumulator_stride;
    bool first_slice = true;
    std::int64_t earliest = accepted[n] + 1;
    for (const int depth : tiles(static_cast<int>(g.depth), R)) {
      bool first_tile = true;
      for (const int columns : tiles(static_cast<int>(g.columns), C)) {
        (void)columns;
        P = std::max({earliest, P + d, S + std::max(R - 1, 1)});
        d = depth;
        std::int64_t start = std::max(P + 1, S + M);
        if (first_tile && !(first_slice && !g.accumulate)) {
          start = std::max(start, first_slice && !chained ? last_row + D : round + D);
        }
        S = start;
        M = g.rows;
        if (first_tile) round = S;
        last_row = S + M - 1;
        first_tile = false;
      }
      first_slice = false;
    }
    completions.push_back(last_row + 5 + 2 * R);
  }
  return completions;
}

std::uint16_t random_operand(std::mt19937_64& random) {
  const std::uint64_t kind = random() % 200;
  if (kind >= 190) return static_cast<std::uint16_t>(random());  // any bits
  if (kind == 0) return 0x7F80;                                  // infinity
  if (kind == 1) return 0x8000;                                  // -0
  if (kind == 2) return 0x0001;                                  // subnormal
  if (kind == 3) return 0x7F7F;                                  // largest
  if (kind == 4) return 0x7FC1;                                  // NaN
  return round_to_bf16(std::normal_distribution<float>()(random));
}

}  // namespace

TEST_CASE("random chains of gemms equal plain loops and the stated timing", "[array]") {
  const std::uint64_t seed = 20261124;
  INFO("seed " << seed << ", array " << R << "x" << C << ", lines of " << E);
  std::mt19937_64 random(seed);
  const auto pick = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  Bench bench;
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    for (auto& value : bench.scratchpad) value = random_operand(random);
    if (round % 10 != 0) {  // mostly finite
      for (auto& value : bench.scratchpad)
        value = round_to_bf16(std::normal_distribution<float>()(random));
    }
    for (auto& value : bench.sums) {
      value = bits_of(std::normal_distribution<float>()(random));
      if (round % 10 == 0 && random() % 20 == 0) value = static_cast<std::uint32_t>(random());
    }
    bench.write_memories();
    std::vector<std::uint32_t> expected = bench.sums;
    std::vector<GemmCommand> commands;
    std::int64_t macs = 0;
    for (int n = pick(1, 5); n > 0; --n) {
      GemmCommand g;
      const bool alike =
          !commands.empty() && pick(0, 1) == 0;  // goes on with the sums of the last one
      if (alike) {
        g = commands.back();
        // ... or with sums that overlap them: as alike as can be, and yet it must wait for them.
        if (pick(0, 3) == 0) g.accumulator_line += static_cast<std::uint32_t>(pick(1, 2));
      } else {
        g.rows = static_cast<std::uint32_t>(pick(1, 3) == 1 ? pick(1, 3) : pick(1, 40));
        g.columns = static_cast<std::uint32_t>(pick(1, 3 * E));
        g.accumulator_stride = g.rows + static_cast<std::uint32_t>(pick(0, 3));
        g.accumulator_line = static_cast<std::uint32_t>(pick(0, 700));
      }
      g.depth = static_cast<std::uint32_t>(pick(1, 3 * E));
      g.accumulate = static_cast<std::uint32_t>(pick(0, 1));
      g.stream_transposed = static_cast<std::uint32_t>(pick(0, 1));
      g.stationary_transposed = static_cast<std::uint32_t>(pick(0, 1));
      // Streamed operands lie in the lower half of the banks, stationary ones in the upper half.
      g.stream_stride =
          (g.stream_transposed ? g.depth : g.rows) + static_cast<std::uint32_t>(pick(0, 2));
      g.stream_line = static_cast<std::uint32_t>(pick(0, 100));
      g.stationary_stride =
          (g.stationary_transposed ? g.columns : g.depth) + static_cast<std::uint32_t>(pick(0, 2));
      g.stationary_line = static_cast<std::uint32_t>(512 + pick(0, 100));
      commands.push_back(g);
      macs += static_cast<std::int64_t>(g.rows) * g.columns * g.depth;
    }
    for (const GemmCommand& g : commands) apply(g, bench.scratchpad, expected);
    bench.macs = 0;
    const auto accepted = bench.run(commands);
    const auto predicted = expected_completions(commands, accepted);
    for (std::size_t n = 0; n < commands.size(); ++n) {
      INFO("command " << n << ": " << commands[n].rows << " x " << commands[n].columns << " x "
                      << commands[n].depth);
      CHECK(bench.completions[n].index == n);
      CHECK(bench.completions[n].cycle == predicted[n]);
    }
    CHECK(bench.macs == macs);
    bench.top.eval();
    CHECK(bench.top.idle_o == 1);
    const auto found = bench.read_accumulators();
    std::size_t differences = 0;
    for (std::size_t i = 0; i < found.size(); ++i) differences += found[i] != expected[i];
    REQUIRE(differences == 0);
  }
}

TEST_CASE("stop abandons a gemm and leaves the unit usable", "[array]") {
  Bench bench;
  bench.write_memories();
  GemmCommand g;
  g.rows = 40;
  g.columns = g.depth = 2 * E;
  g.stream_stride = 40;
  g.stationary_line = 512;
  g.stationary_stride = 2 * E;
  g.accumulator_stride = 40;
  const CommandWords words = encode(g);
  Bench::set(bench.top.command_i, words.data(), 16);
  bench.top.command_valid_i = 1;
  bench.tick();
  bench.top.command_valid_i = 0;
  for (int i = 0; i < 30; ++i) bench.tick();
  bench.top.stop_i = 1;
  for (int i = 0; i < 4; ++i) bench.tick();
  bench.top.eval();
  CHECK(bench.top.idle_o == 1);
  CHECK(bench.completions.empty());
  bench.top.stop_i = 0;
  bench.tick();
  const auto accepted = bench.run({g});
  CHECK(bench.completions.at(0).cycle > accepted.at(0));
}
