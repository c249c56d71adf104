// What of the device memory is alive when, by hand on a graph of five ops, and of a planned step.
#include "host/run/alive_values.h"

#include <catch2/catch.hpp>
#include <set>
#include <utility>

#include "host/run/device_memory.h"
#include "host/run/memory_over_time.h"
#include "host/run/simulate.h"
#include "models/graph/graph.h"
#include "models/program/transformer_program.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"

using namespace corank;

namespace {

// Values of 4 x 8: 64 bytes in BF16, 128 in FP32.
struct SmallGraph {
  Graph graph;
  ValueId copy = -1, hidden = -1, twice = -1;

  SmallGraph() {
    const Shape shape = {4, 8};
    const ValueId x = add_value(graph, {"x", shape, DType::BF16, Role::kInput});
    const ValueId master = add_value(graph, {"master", shape, DType::F32, Role::kTrainable});
    copy = add_convert(graph, "copy", master);
    hidden = add_scale(graph, "hidden", x, 2, DType::BF16);
    twice = add_scale(graph, "twice", hidden, 2, DType::BF16);
    const ValueId y = add_add(graph, "y", twice, copy, DType::F32);
    graph.value(y).role = Role::kResult;
    graph.origin.kind.pass = Pass::kInputGradient;
    const ValueId both = add_add(graph, "both", hidden, copy, DType::F32);
    graph.value(both).role = Role::kResult;
  }
};

Stage stage_of(int op, std::vector<int> followers = {}) {
  Stage stage;
  stage.op = op;
  stage.followers = std::move(followers);
  return stage;
}

Plan plan_of(const Graph& graph, const std::vector<Stage>& stages) {
  Plan plan;
  plan.stages = stages;
  for (const Value& value : graph.values)
    plan.layouts.push_back(layout_of(value.dtype, value.shape[0], value.shape[1], false));
  plan.local.assign(graph.values.size(), false);
  plan.view_of.assign(graph.values.size(), -1);
  plan.packed.resize(graph.values.size());
  return plan;
}

using Bytes = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // stash, activations

Bytes bytes_of(const std::vector<AliveBytes>& alive) {
  Bytes bytes;
  for (const AliveBytes& one : alive) bytes.emplace_back(one.stash, one.activations);
  return bytes;
}

TransformerProgram small_llama(RecomputePolicy policy) {
  LlamaShape shape;
  shape.vocabulary = 32;
  shape.hidden = 64;
  shape.intermediate = 160;
  shape.layers = 2;
  shape.heads = shape.kv_heads = 2;
  shape.head_dim = 32;
  Transformer transformer = build_llama(shape, 1, 32);
  test::adapt_layers(transformer);
  return transformer_program(transformer, {}, policy);
}

}  // namespace

TEST_CASE("kept for the backward pass is what it reads of the forward pass, copies of masters not",
          "[alive]") {
  const SmallGraph small;
  std::set<ValueId> kept;
  const std::vector<bool> is_kept = kept_for_backward(small.graph);
  for (std::size_t id = 0; id < is_kept.size(); ++id)
    if (is_kept[id]) kept.insert(static_cast<ValueId>(id));
  CHECK(kept == std::set<ValueId>{small.hidden});
}

TEST_CASE("a value is alive from the op that computes it to the last one that reads it",
          "[alive]") {
  // copy, from its op to the end; hidden, too; twice, until y is computed.
  CHECK(bytes_of(alive_by_op(SmallGraph().graph)) ==
        Bytes{{0, 64}, {64, 64}, {64, 128}, {64, 128}, {64, 64}});
}

TEST_CASE("by a plan values take whole pages, by the stages, and views nothing", "[alive]") {
  const SmallGraph small;
  Plan plan = plan_of(small.graph, {stage_of(1), stage_of(0), stage_of(2, {3}), stage_of(4)});
  CHECK(bytes_of(alive_by_stage(plan, small.graph)) ==
        Bytes{{4096, 0}, {4096, 4096}, {4096, 8192}, {4096, 4096}});
  plan.local[static_cast<std::size_t>(small.twice)] = true;
  CHECK(bytes_of(alive_by_stage(plan, small.graph)) ==
        Bytes{{4096, 0}, {4096, 4096}, {4096, 4096}, {4096, 4096}});
  // What the backward pass reads lies in another one's place.
  plan.local[static_cast<std::size_t>(small.twice)] = false;
  plan.view_of[static_cast<std::size_t>(small.hidden)] = small.twice;
  CHECK(bytes_of(alive_by_stage(plan, small.graph)) ==
        Bytes{{4096, 0}, {4096, 4096}, {4096, 4096}, {4096, 4096}});
}

TEST_CASE("the fullest is the first one of the largest", "[alive]") {
  CHECK(fullest({}) == 0);
  CHECK(fullest({{1, 1}, {2, 1}, {0, 3}, {1, 0}}) == 1);
}

TEST_CASE("the stash of a program is that of its account", "[alive]") {
  for (const auto policy :
       {RecomputePolicy::kNone, RecomputePolicy::kAttention, RecomputePolicy::kLayers}) {
    const TransformerProgram built = small_llama(policy);
    const Graph& graph = built.program.graph;
    const std::vector<bool> kept = kept_for_backward(graph);
    std::uint64_t bytes = 0;
    for (std::size_t id = 0; id < kept.size(); ++id)
      if (kept[id]) bytes += static_cast<std::uint64_t>(stored_bytes(graph.values[id]));
    CHECK(bytes == static_cast<std::uint64_t>(stash_bytes_of(built.account)));
  }
}

TEST_CASE("at every moment the roles of the memory come to what the step takes", "[alive]") {
  const TransformerProgram built = small_llama(RecomputePolicy::kNone);
  Config config;
  config.compiler.rehearse = false;
  const CompiledStep step = compile_for(config, built.program);
  const std::vector<RoleBytes> memory = memory_by_role(step, built.program.graph);
  CHECK(sum_of(memory) == step.memory_bytes);
  const std::vector<AliveBytes> alive = alive_by_stage(step.plan, built.program.graph);
  const AliveBytes& most = alive[fullest(alive)];
  CHECK(most.stash > 0);
  for (const AliveBytes& now : alive) {
    CHECK(now.all() <= most.all());
    const std::vector<RoleBytes> then = memory_when(memory, now);
    CHECK(sum_of(then) == step.memory_bytes);
    CHECK(then.back().role == "gaps");
    CHECK(then.back().bytes == memory.back().bytes + most.all() - now.all());
  }
  // Between the first stage and the last one the stash comes and goes.
  CHECK(alive.front().stash < most.stash);
  CHECK(alive.back().stash == 0);
}

TEST_CASE("points over time are where most comes and goes, and not more than can be shown",
          "[alive]") {
  // Nothing changes in the stages 1 and 4.
  CHECK(stages_of_changes({{1, 1}, {1, 1}, {1, 2}, {2, 1}, {2, 1}, {2, 0}, {2, 0}}) ==
        std::vector<std::size_t>{0, 2, 3, 5, 6});
  // A wave of one byte, and one large value in the middle of it.
  std::vector<AliveBytes> many;
  for (std::size_t stage = 0; stage < 1001; ++stage)
    many.push_back({stage >= 400 && stage < 600 ? 1000u : 0u, stage % 2});
  const std::vector<std::size_t> stages = stages_of_changes(many);
  CHECK(stages == std::vector<std::size_t>{0, 400, 401, 600, 1000});
  // A slope is as fine as the points allow.
  many.clear();
  for (std::size_t stage = 0; stage < 1001; ++stage) many.push_back({stage, 0});
  const std::size_t count = stages_of_changes(many).size();
  CHECK(count <= kMostMemoryPoints);
  CHECK(count > kMostMemoryPoints / 2);
}
