#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <tuple>
#include <utility>

#include "host/compiler/compiler.h"
#include "models/base/error.h"
#include "models/program/linear_layers.h"

using namespace corank;
using namespace corank::interface;

namespace {

LinearLayer layer(std::int64_t tokens, std::int64_t in, std::int64_t out, int rank) {
  LinearLayer step;
  step.tokens = tokens;
  step.in = in;
  step.out = out;
  step.has_bias = true;
  step.lora = {16, rank, false};
  return step;
}

std::uint64_t macs(const CompiledStep& step) {
  std::uint64_t sum = 0;
  for (const CompiledCommand& command : step.commands) {
    if ((command.words[0] & 0xff) != GemmCommand::kOpcode) continue;
    const GemmCommand g = decode_gemm(command.words);
    sum += std::uint64_t{g.rows} * g.columns * g.depth;
  }
  return sum;
}

}  // namespace

TEST_CASE("the gemms of a step are exactly its multiply-accumulates, whatever the blocks",
          "[compiler]") {
  const std::int64_t T = 33, in = 130, out = 67, r = 5;
  const auto expected = static_cast<std::uint64_t>(2 * T * in * out + 3 * T * r * (in + out));
  for (const int rows : {0, 8, 64}) {
    for (const int columns : {0, 64}) {
      for (const int depth : {0, 64}) {
        CompilerConfig limits;
        limits.block_rows = rows;
        limits.block_columns = columns;
        limits.block_depth = depth;
        INFO("blocks of " << rows << " x " << columns << ", " << depth << " deep");
        CHECK(macs(compile(linear_layers({layer(T, in, out, r)}), MachineShape{}, limits,
                           64 << 20)) == expected);
      }
    }
  }
}

TEST_CASE(
    "what the array streams never shares a bank with what it holds, of this gemm or the next one",
    "[compiler]") {
  // Narrow memory and wide memory, so that products go alone, overlapped and fused.
  for (const double bytes_per_cycle : {0.5, 2.0, 8.0, 60.0}) {
    for (const auto& [array, scratchpad, banks] :
         {std::tuple{4, 64, 8}, std::tuple{8, 64, 8}, std::tuple{32, 512, 16}}) {
      MachineShape machine;
      machine.array_rows = machine.array_columns = machine.vector_lanes = array;
      machine.scratchpad_kib = machine.accumulator_kib = scratchpad;
      machine.scratchpad_banks = banks;
      machine.axi_data_bits = 64;
      CompilerConfig limits;
      limits.rehearse = false;  // holds for any blocks
      const std::int64_t bank_lines =
          scratchpad * 1024 / (2 * memory_lanes(machine)) / machine.scratchpad_banks;
      for (const std::int64_t tokens : {9, 130, 512}) {
        INFO(bytes_per_cycle << " bytes a cycle, " << array << " x " << array << ", " << tokens
                             << " tokens");
        const CompiledStep step = compile(linear_layers({layer(tokens, 700, 500, 6)}), machine,
                                          limits, 64 << 20, {}, {bytes_per_cycle});
        std::int64_t last_of_streams = -1, first_of_stationaries = banks;
        for (const CompiledCommand& command : step.commands) {
          if ((command.words[0] & 0xff) != GemmCommand::kOpcode) continue;
          const GemmCommand g = decode_gemm(command.words);
          const bool transposed = g.stream_transposed != 0;
          const std::int64_t across = transposed ? g.rows : g.depth,
                             down = transposed ? g.depth : g.rows;
          const std::int64_t last_line =
              g.stream_line + (across - 1) / memory_lanes(machine) * g.stream_stride + down - 1;
          last_of_streams = std::max(last_of_streams, last_line / bank_lines);
          first_of_stationaries =
              std::min<std::int64_t>(first_of_stationaries, g.stationary_line / bank_lines);
        }
        CHECK(last_of_streams < first_of_stationaries);
      }
    }
  }
}

TEST_CASE("values that live at the same time do not overlap in memory", "[compiler]") {
  const TrainingProgram program = linear_layers({layer(64, 384, 384, 8)});
  const Graph& graph = program.graph;
  const CompiledStep step = compile(program, MachineShape{}, CompilerConfig{}, 64 << 20);
  const auto has_place_of_a_state = [&](std::size_t id) {
    return std::any_of(program.states.begin(), program.states.end(), [&](const State& state) {
      return static_cast<std::size_t>(state.next) == id;
    });
  };
  for (std::size_t a = 0; a < graph.values.size(); ++a) {
    for (std::size_t b = a + 1; b < graph.values.size(); ++b) {
      if (graph.values[a].role == Role::kIntermediate ||
          graph.values[b].role == Role::kIntermediate || graph.values[a].role == Role::kConstants ||
          graph.values[b].role == Role::kConstants || has_place_of_a_state(a) ||
          has_place_of_a_state(b))
        continue;
      const TensorLayout &x = step.plan.layouts[a], &y = step.plan.layouts[b];
      INFO(graph.values[a].name << ", " << graph.values[b].name);
      CHECK((x.address + x.bytes() <= y.address || y.address + y.bytes() <= x.address));
    }
  }
  CHECK(step.ring_address % 4096 == 0);
  CHECK(step.memory_bytes >= step.ring_address + step.ring_entries * 64);
}

TEST_CASE("every block of every result is stored exactly once", "[compiler]") {
  const TrainingProgram program = linear_layers({layer(130, 257, 67, 9)});
  const Graph& graph = program.graph;
  CompilerConfig limits;
  limits.block_rows = 32;
  limits.block_columns = 64;
  const CompiledStep step = compile(program, MachineShape{}, limits, 64 << 20);
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].role != Role::kResult) continue;
    INFO(graph.values[id].name);
    CHECK(step.traffic[id].stored_bytes == step.plan.layouts[id].bytes());
  }
}

TEST_CASE(
    "a product stays alone whose tiles fit no more with another, once nothing is fused with that "
    "one",
    "[compiler]") {
  // In so little memory the fused product's result, stored as it is, leaves room for the products
  // that read it; transposed, as it is when it is not fused, it does not. Uninitialised sizes would
  // show in the sums of multiply-accumulates, or with the library's assertions.
  MachineShape machine;
  machine.scratchpad_kib = machine.accumulator_kib = 16;
  CompilerConfig limits;
  limits.scratchpad_kib = 10;
  limits.block_rows = 8;
  limits.block_depth = 64;
  LinearLayer step = layer(19, 188, 3, 14);
  step.has_bias = false;
  for (const double bytes_per_cycle : {1.0, 4.0, 17.3, 60.0}) {
    INFO(bytes_per_cycle << " bytes a cycle");
    CHECK(macs(compile(linear_layers({step}), machine, limits, 64 << 20, {}, {bytes_per_cycle})) ==
          2 * 19 * 188 * 3 + 3 * 19 * 14 * (188 + 3));
  }
}

TEST_CASE("a product of a single block, too deep to be rehearsed whole, is compiled",
          "[compiler]") {
  MachineShape machine;
  machine.array_rows = machine.array_columns = machine.vector_lanes = 4;
  machine.axi_data_bits = 64;
  const std::int64_t T = 65536, in = 7, out = 12, r = 11;  // the gradients of weights are T deep
  CHECK(macs(compile(linear_layers({layer(T, in, out, r)}), machine, {}, 64 << 20)) ==
        static_cast<std::uint64_t>(2 * T * in * out + 3 * T * r * (in + out)));
}

TEST_CASE("what cannot fit is refused with its sizes", "[compiler]") {
  MachineShape machine;
  CHECK_THROWS_WITH(
      compile(linear_layers({layer(64, 384, 384, 8)}), machine, CompilerConfig{}, 64 << 10),
      Catch::Contains("bytes of device memory"));
  CompilerConfig limits;
  limits.scratchpad_kib = 1;
  CHECK_THROWS_AS(compile(linear_layers({layer(64, 384, 384, 8)}), machine, limits, 64 << 20),
                  InputError);
  CHECK_THROWS_WITH(compile(linear_layers({layer(64, 384, 384, 8)}), machine, limits, 64 << 20),
                    Catch::Contains("lines for the moving operand"));
}

TEST_CASE("the next value of a state takes its place in memory", "[compiler]") {
  const TrainingProgram program = linear_layers({layer(33, 130, 67, 5), layer(33, 67, 130, 5)});
  REQUIRE(program.states.size() == 12);
  const CompiledStep step = compile(program, MachineShape{}, {}, 64 << 20);
  for (const State& state : program.states) {
    const auto at = [&](ValueId id) { return step.plan.layouts[static_cast<std::size_t>(id)]; };
    CHECK(at(state.value).address == at(state.next).address);
    CHECK(at(state.value).is_transposed() == at(state.next).is_transposed());
  }
}

TEST_CASE("constants are immediates, each an element of what the step is fed", "[compiler]") {
  const TrainingProgram program = linear_layers({layer(33, 130, 67, 5)});
  const CompiledStep step = compile(program, MachineShape{}, {}, 64 << 20);
  REQUIRE(program.optimizer_feeds.size() == 1);
  const ValueId constants = program.optimizer_feeds.front().constants;
  std::vector<int> elements;
  for (const FedImmediate& fed : step.fed) {
    CHECK(fed.value == constants);
    elements.push_back(fed.element);
    const std::uint64_t instruction = step.instructions.at(fed.instruction);
    CHECK((instruction >> 52 & 1) == 1);     // an immediate ...
    CHECK((instruction & 0xffffffff) == 0);  // ... that is still to come
  }
  // Both updates share a program; the order is that of its operations.
  CHECK(elements == std::vector<int>{0, 1, 2, 3, 4, 5, 6});
  CHECK(step.traffic[static_cast<std::size_t>(constants)].loaded_bytes == 0);
}

TEST_CASE("the kinds of a step's gemms are an index, named in its order", "[compiler]") {
  const CompiledStep step =
      compile(linear_layers({layer(33, 130, 67, 5)}), MachineShape{}, {}, 64 << 20);
  CHECK(std::is_sorted(step.gemm_kinds.begin(), step.gemm_kinds.end()));
  CHECK(step.gemm_kinds.size() == 8);  // no gradient of the frozen weight
  std::vector<bool> used(step.gemm_kinds.size(), false);
  for (const CompiledCommand& command : step.commands) {
    if ((command.words[0] & 0xff) == GemmCommand::kOpcode)
      used.at(decode_gemm(command.words).kind) = true;
  }
  CHECK(std::count(used.begin(), used.end(), false) == 0);
}
