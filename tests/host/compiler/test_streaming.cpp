#include <catch2/catch.hpp>
#include <set>

#include "host/compiler/compiler.h"
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

CompiledStep streamed(const TrainingProgram& program, int ring_tiles) {
  return compile(program, MachineShape{}, {}, 64 << 20, {true, ring_tiles});
}

}  // namespace

TEST_CASE("the tiles of a streamed weight are every element once forward and once backward",
          "[streaming]") {
  const std::int64_t in = 257, out = 130;
  const TrainingProgram program = linear_layers({layer(33, in, out, 5)});
  const CompiledStep step = streamed(program, 2);
  std::vector<int> forward(static_cast<std::size_t>(in * out)), backward = forward;
  for (const StreamTile& tile : step.tiles) {
    CHECK(program.graph.value(tile.value).name == "weight");
    // Forward tiles have all inputs of some outputs, backward tiles all outputs of some inputs.
    const bool is_forward = tile.layout.columns() == in;
    CHECK((is_forward || tile.layout.rows() == out));
    for (std::int64_t i = 0; i < tile.layout.rows(); ++i) {
      for (std::int64_t j = 0; j < tile.layout.columns(); ++j)
        ++(is_forward ? forward
                      : backward)[static_cast<std::size_t>((tile.row + i) * in + tile.column + j)];
    }
  }
  CHECK(std::set<int>(forward.begin(), forward.end()) == std::set<int>{1});
  CHECK(std::set<int>(backward.begin(), backward.end()) == std::set<int>{1});
}

TEST_CASE("each tile is taken by its first load and released by its last, in order, from its place",
          "[streaming]") {
  const TrainingProgram program = linear_layers({layer(130, 64, 200, 5), layer(130, 200, 64, 5)});
  const CompiledStep step = streamed(program, 3);
  REQUIRE(step.tiles.size() > 6);
  CHECK(step.tile_ring_places == 3);
  std::size_t taken = 0, released = 0;
  for (std::size_t i = 0; i < step.commands.size(); ++i) {
    if ((step.commands[i].words[0] & 0xff) != LoadCommand::kOpcode) continue;
    const LoadCommand load = decode_load(step.commands[i].words);
    taken += load.stream_take;
    const bool in_ring = load.address_lo >= step.tile_ring_address && load.target == 0 &&
                         load.address_lo < step.ring_address;
    CHECK((load.stream_take == 0 || in_ring));
    CHECK((load.stream_release == 0 || in_ring));
    if (in_ring) {
      REQUIRE(taken == released + 1);
      const TensorLayout& tile = step.tiles[taken - 1].layout;
      CHECK(load.address_lo >= tile.address);
      CHECK(load.address_lo < tile.address + tile.bytes());
    }
    released += load.stream_release;
    CHECK(taken - released <= 1);
  }
  CHECK(taken == step.tiles.size());
  CHECK(released == step.tiles.size());
}

TEST_CASE("weights come forward in the order of the layers, then backward in reverse",
          "[streaming]") {
  const LinearLayer step = layer(16, 32, 32, 4);
  const TrainingProgram program = linear_layers({step, step, step});
  std::string order;
  for (const StreamTile& tile : streamed(program, 2).tiles)
    order += program.graph.value(tile.value).name.substr(0, 1);
  CHECK(order == "012210");
}

TEST_CASE("a streamed weight takes no memory but the ring", "[streaming]") {
  const TrainingProgram program = linear_layers({layer(16, 512, 512, 4)});
  const std::uint64_t resident = compile(program, MachineShape{}, {}, 64 << 20).memory_bytes;
  const CompiledStep step = streamed(program, 1);
  const std::uint64_t weight = 512 * 512 * 2;
  std::uint64_t largest = 0;
  for (const StreamTile& tile : step.tiles) largest = std::max(largest, tile.layout.bytes());
  CHECK(step.memory_bytes + weight <= resident + largest + 4096);
}

TEST_CASE("a frozen weight that something else than products reads stays in memory",
          "[streaming]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = add_value(graph, {"x", {8, 16}, DType::BF16, Role::kInput});
  const ValueId weight = add_value(graph, {"weight", {16, 24}, DType::BF16, Role::kFrozen});
  add_contraction(graph, "y", {{x, false, weight, false, {}}}, 1.0f, {}, DType::BF16,
                  Role::kResult);
  CHECK(streamed(program, 2).tiles.size() == 1);
  add_scale(graph, "twice", weight, 2.0f);
  CHECK(streamed(program, 2).tiles.empty());
}
