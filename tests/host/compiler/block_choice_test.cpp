// The blocks that the compiler chooses against all that it could have chosen, each simulated with
// the cycle model: random layers, and products of their own, on random machines and memories.
//   CORANK_CASES  number of cases (default 10)
//   CORANK_FIRST  number of the first one (default 0)
//   CORANK_SEED   seed of the run (default 1)
//   CORANK_KIND   "any": larger layers too, whatever the number of blocks; default: at most 64
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/run/simulate.h"
#include "host/verify/case_memory.h"
#include "host/verify/draw.h"
#include "models/base/error.h"
#include "models/program/linear_layers.h"

using namespace corank;
using draw::between;
using draw::chance;
using draw::int_between;
using draw::one_of;

namespace {

constexpr double kBar = 1.03;
constexpr std::size_t kFewBlocks = 64, kLeastBlocks = 24;  // fewer would be no choice

std::int64_t setting(const char* name, std::int64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoll(text) : fallback;
}

bool any_kind() {
  const char* text = std::getenv("CORANK_KIND");
  return text != nullptr && std::string(text) == "any";
}

// A step on a machine, without block sizes of its own.
struct Case {
  Config config;
  TrainingProgram program;
  std::string text;
};

struct StepBlocks {
  int rows = 0, columns = 0, depth = 0;
};

MachineShape draw_machine(draw::Random& random) {
  const auto size = [&] {
    return one_of(random, std::array<int, 9>{1, 2, 3, 5, 8, 12, 16, 24, 32});
  };
  MachineShape machine;
  machine.array_rows = size();
  machine.array_columns = size();
  machine.axi_data_bits = 64 << int_between(random, 0, 3);
  int lanes = 1;
  while (2 * lanes <= std::max(machine.array_rows, machine.array_columns)) lanes *= 2;
  machine.vector_lanes = std::min(lanes, 1 << int_between(random, 0, 5));
  // Banks of as many lines as a line has elements, and up to 16 times that.
  const int line = memory_lanes(machine);
  const auto kib = [&](int banks, int bytes) {
    const int least = std::max(1, banks * line * line * bytes / 1024);
    int whole = 1;
    while (whole < least) whole *= 2;
    return whole << int_between(random, 0, 4);
  };
  machine.scratchpad_banks = 8 << int_between(random, 0, 1);
  machine.accumulator_banks = 4 << int_between(random, 0, 1);
  machine.scratchpad_kib = kib(machine.scratchpad_banks, 2);
  machine.accumulator_kib = kib(machine.accumulator_banks, 4);
  machine.queue_depth = int_between(random, 2, 8);
  return machine;
}

LinearLayer draw_layer(draw::Random& random, std::int64_t most) {
  const auto size = [&] { return between(random, 1, between(random, 8, most)); };
  LinearLayer step;
  step.tokens = size();
  step.in = size();
  step.out = size();
  step.lora.rank = int_between(random, 1, 80);
  step.lora.alpha = 2 * step.lora.rank;
  step.has_bias = chance(random, 2);
  return step;
}

// One product of a layer by itself: its output, its input gradient or a gradient of weights.
Graph product_of(const LinearLayer& layer, int which) {
  Graph graph;
  const auto input = [&](const char* name, const Shape& shape, Role role) {
    return add_value(graph, {name, shape, DType::BF16, role});
  };
  const ValueId x = input("x", {layer.tokens, layer.in}, Role::kInput);
  const ValueId dy = input("dy", {layer.tokens, layer.out}, Role::kInput);
  const ValueId weight = input("weight", {layer.out, layer.in}, Role::kFrozen);
  const auto add = [&](const Term& term, DType dtype) {
    add_contraction(graph, "out", {term}, 1.0f, {}, dtype, Role::kResult);
  };
  if (which == 0) add({x, false, weight, true, {}}, DType::BF16);
  if (which == 1)
    add({dy, false, weight, false, {Part::kFrozen, Pass::kInputGradient}}, DType::BF16);
  if (which == 2) add({dy, true, x, false, {Part::kFrozen, Pass::kWeightGradient}}, DType::F32);
  return graph;
}

CompiledStep compile_with(const Case& c, const StepBlocks& blocks) {
  Config config = c.config;
  config.compiler.block_rows = blocks.rows;
  config.compiler.block_columns = blocks.columns;
  config.compiler.block_depth = blocks.depth;
  return compile_for(config, c.program);
}

std::uint64_t cycles_of(const Case& c, CompiledStep step) {
  PreparedStep prepared;
  prepared.program = c.program;
  prepared.step = std::move(step);
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  const Simulated run = simulate(c.config, options, prepared, "");
  return run.steps.front().counters[static_cast<std::size_t>(interface::Counter::kCycles)];
}

// All that fit, in doubling sizes up to the first that covers the dimension in every product.
std::vector<StepBlocks> feasible(const Case& c) {
  StepBlocks most;
  for (const Op& op : c.program.graph.ops) {
    const auto* contraction = std::get_if<Contraction>(&op);
    if (contraction == nullptr) continue;
    const auto cover = [](int& size, std::int64_t one) {
      size = std::max(size, static_cast<int>(one));
    };
    const Shape& out = c.program.graph.value(contraction->out).shape;
    cover(most.rows, out[0]);
    cover(most.columns, out[1]);
    for (const Term& term : contraction->terms) {
      const Shape& left = c.program.graph.value(term.left).shape;
      cover(most.depth, term.left_transposed ? left[0] : left[1]);
    }
  }
  const auto sizes = [](int least, int size) {
    std::vector<int> list{least};
    while (list.back() < size) list.push_back(2 * list.back());
    return list;
  };
  std::vector<StepBlocks> blocks;
  for (const int rows : sizes(8, most.rows)) {
    for (const int columns : sizes(32, most.columns)) {
      for (const int depth : sizes(8, most.depth)) {
        try {
          compile_with(c, {rows, columns, depth});
          blocks.push_back({rows, columns, depth});
        } catch (const InputError&) {
        }
      }
    }
  }
  return blocks;
}

std::optional<Case> draw_case(draw::Random& random) {
  Case c;
  const LinearLayer layer = draw_layer(random, any_kind() ? 400 : 140);
  c.config.machine = draw_machine(random);
  c.config.values = false;
  c.config.memory =
      chance(random, 2) ? draw_dram(random, dram_memories()) : draw_fixed_latency(random);
  c.config.limits.outstanding_bursts = int_between(random, 2, 16);
  c.config.limits.burst_beats = one_of(random, std::array<int, 3>{8, 64, 256});
  c.config.link.bandwidth_gb_per_s = 4;  // so that the memory is free when the step begins
  c.config.watchdog_cycles = 1000000000;
  const int which = int_between(random, 0, 5);
  if (which < 3)
    c.program.graph = product_of(layer, which);
  else
    c.program = linear_layers({layer});
  c.text =
      fmt::format("{}, {} tokens, {} -> {}, r = {}; {}x{}, {} lanes, {} / {} KiB, AXI {}, {}",
                  std::array<const char*, 4>{"output", "input gradient", "weight gradient",
                                             "layer"}[static_cast<std::size_t>(std::min(which, 3))],
                  layer.tokens, layer.in, layer.out, layer.lora.rank, c.config.machine.array_rows,
                  c.config.machine.array_columns, c.config.machine.vector_lanes,
                  c.config.machine.scratchpad_kib, c.config.machine.accumulator_kib,
                  c.config.machine.axi_data_bits, describe(c.config.memory));
  try {
    compile_with(c, {});
  } catch (const InputError&) {
    return std::nullopt;
  }
  return c;
}

}  // namespace

TEST_CASE("no block that fits is more than 3 % faster than the chosen one", "[block_choice]") {
  const std::int64_t first = setting("CORANK_FIRST", 0), count = setting("CORANK_CASES", 10);
  const std::int64_t seed = setting("CORANK_SEED", 1);
  double worst = 0;
  for (std::int64_t number = first; number < first + count; ++number) {
    draw::Random random(static_cast<std::uint64_t>(seed * 1000003 + number));
    std::optional<Case> c;
    std::vector<StepBlocks> blocks;
    while (!c || blocks.size() < kLeastBlocks || (!any_kind() && blocks.size() > kFewBlocks)) {
      c = draw_case(random);
      if (c) blocks = feasible(*c);
    }
    const std::uint64_t chosen = cycles_of(*c, compile_with(*c, {}));
    std::uint64_t best = std::numeric_limits<std::uint64_t>::max(), slowest = 0;
    StepBlocks fastest;
    for (const StepBlocks& candidate : blocks) {
      const std::uint64_t cycles = cycles_of(*c, compile_with(*c, candidate));
      slowest = std::max(slowest, cycles);
      if (cycles >= best) continue;
      best = cycles;
      fastest = candidate;
    }
    const double ratio = static_cast<double>(chosen) / static_cast<double>(best);
    worst = std::max(worst, ratio);
    const std::string line = fmt::format(
        "CORANK_SEED={} CORANK_FIRST={} CORANK_CASES=1: {}: {} cycles, best of {} blocks {} with "
        "{} x {} x {}, worst {}: {:.4f}",
        seed, number, c->text, chosen, blocks.size(), best, fastest.rows, fastest.columns,
        fastest.depth, slowest, ratio);
    fmt::print("{}\n", line);
    INFO(line);
    CHECK(ratio <= kBar);
  }
  fmt::print("worst of {} cases: {:.4f} of the best\n", count, worst);
}
