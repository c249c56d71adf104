// Every op has commands; what the accelerator does not run of one is refused by name.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "host/compiler/compiler.h"
#include "models/base/error.h"
#include "models/graph/differentiate.h"
#include "models/program/linear_layers.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"

using namespace corank;
using Catch::Contains;

namespace {

/// Forward and backward ops of a small transformer with LoRA and dropout on every linear.
Graph training_graph(Transformer transformer, RecomputePolicy recompute) {
  test::TrainedLora plan;
  plan.dropout = 0.1;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {2, 2, false}});
    if (module.kind == ModuleKind::kNorm) plan.saved_modules.push_back(module.name);
  }
  test::apply(transformer, plan);
  DifferentiateRequest request;
  request.loss = transformer.loss;
  request.recompute = recompute;
  differentiate(transformer.graph, request);
  return transformer.graph;
}

Graph llama_graph() {
  LlamaShape shape;
  shape.vocabulary = 16;
  shape.hidden = 8;
  shape.intermediate = 12;
  shape.layers = 1;
  shape.heads = 2;
  shape.kv_heads = 1;
  shape.head_dim = 4;
  return training_graph(build_llama(shape, 2, 4), RecomputePolicy::kAttention);
}

Graph bert_graph() {
  BertShape shape;
  shape.vocabulary = 16;
  shape.hidden = 8;
  shape.intermediate = 12;
  shape.layers = 1;
  shape.heads = 2;
  shape.max_positions = 8;
  return training_graph(build_bert(shape, 2, 4), RecomputePolicy::kNone);
}

/// One op, whose operands are given.
Graph alone(Graph graph, const Op& op) {
  const std::vector<ValueId> written = results_of(op);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const bool is_written =
        std::find(written.begin(), written.end(), static_cast<ValueId>(i)) != written.end();
    if (is_written) {
      graph.values[i].role = Role::kResult;
    } else if (is_computed(graph.values[i])) {
      graph.values[i].role = Role::kInput;
    }
  }
  graph.ops = {op};
  return graph;
}

std::string refusal(const Graph& graph, const CompilerConfig& limits = {}) {
  try {
    TrainingProgram program;
    program.graph = graph;
    compile(program, MachineShape{}, limits, 64 << 20);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every op of a transformer's training step has commands", "[compiler]") {
  std::map<std::string, std::pair<Graph, Op>> ops;  // one of each kind
  for (const Graph& graph : {llama_graph(), bert_graph()}) {
    for (const Op& op : graph.ops) ops.try_emplace(name_of(op), graph, op);
  }
  // Those that every transformer step has are among them: else the loop below shows nothing.
  for (const char* name :
       {"embedding", "rms_norm", "layer_norm", "rope", "softmax", "dropout", "cross_entropy",
        "cross_entropy_gradient", "softmax_gradient", "softmax_from_statistics"}) {
    INFO(name);
    CHECK(ops.count(name) == 1);
  }
  for (const auto& [name, found] : ops) {
    const auto& [graph, op] = found;
    INFO(name);
    CHECK(refusal(alone(graph, op)).empty());
  }
}

TEST_CASE("a row of which the local memories do not hold one panel is refused, with the sizes",
          "[compiler]") {
  Graph graph;
  const ValueId in = add_value(graph, {"in", {4, 40000}, DType::F32, Role::kInput});
  const ValueId weight = add_value(graph, {"weight", {40000}, DType::F32, Role::kTrainable});
  add_rms_norm(graph, "out", in, weight, 1e-5);
  CHECK(refusal(graph).empty());
  // 64 elements of each value; a piece of 32 of 1 / rms, which is FP32, and a line for what of it
  // is the tile's.
  const MachineShape machine;
  const std::int64_t lanes = memory_lanes(machine), panel = 64 / lanes;
  const std::int64_t half = 1024 / (4 * lanes) / 2;
  CompilerConfig limits;
  limits.accumulator_kib = 1;
  CHECK_THAT(
      refusal(graph, limits),
      Contains("out (rms_norm): not even 64 elements of one row fit") &&
          Contains("they need " + std::to_string(2 * panel + 32 / lanes + 1) +
                   " lines of the accumulators and " + std::to_string(panel) +
                   " of the scratchpad, half of them have " + std::to_string(half) + " and "));
}

TEST_CASE("a rotated row that the local memories do not hold is refused, with the sizes",
          "[compiler]") {
  Graph graph;
  const ValueId in = add_value(graph, {"in", {2, 3, 40000}, DType::BF16, Role::kInput});
  add_rope(graph, "out", in, std::vector<float>(20000, 0.5f));
  CHECK_THAT(refusal(graph), Contains("out (rope): not even 20000 elements of one row fit"));
}

TEST_CASE("a table whose columns are gathered lies turned, and nothing else may need it as it is",
          "[compiler]") {
  Graph graph;
  const ValueId table = add_value(graph, {"table", {4, 16}, DType::F32, Role::kFrozen});
  const ValueId ids = add_value(graph, {"ids", {3}, DType::I64, Role::kInput});
  add_embedding(graph, "out", table, ids, true, std::nullopt);
  CHECK(refusal(graph).empty());
  add_slice(graph, "part", table, 0, 0, 2);
  CHECK(refusal(graph) ==
        "table: the accelerator does not gather columns of a value yet that another op needs as it "
        "is");
}

TEST_CASE("a factor that is no constant of the step is refused", "[compiler]") {
  Graph graph;
  const ValueId in = add_value(graph, {"in", {6, 8}, DType::F32, Role::kInput});
  const ValueId factor = add_value(graph, {"factor", {1}, DType::F32, Role::kInput});
  add_scale_by(graph, "out", in, factor, DType::F32);
  CHECK(refusal(graph) ==
        "out: the accelerator does not run the op scale_by yet with factor, which "
        "is not fed as a constant");
}
