// Ops that the accelerator does not run are refused by name; none is left out or misread.
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

/// What has commands. Whoever lowers another op adds it here.
const std::set<std::string> kLowered = {"contraction", "convert",  "adamw", "sgd",
                                        "add",         "multiply", "scale", "scale_by"};

/// Forward and backward ops of a small transformer with LoRA and dropout on every linear.
Graph training_graph(Transformer transformer) {
  test::TrainedLora plan;
  plan.dropout = 0.1;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {2, 2, false}});
    if (module.kind == ModuleKind::kNorm) plan.saved_modules.push_back(module.name);
  }
  test::apply(transformer, plan);
  DifferentiateRequest request;
  request.loss = transformer.loss;
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
  return training_graph(build_llama(shape, 2, 4));
}

Graph bert_graph() {
  BertShape shape;
  shape.vocabulary = 16;
  shape.hidden = 8;
  shape.intermediate = 12;
  shape.layers = 1;
  shape.heads = 2;
  shape.max_positions = 8;
  return training_graph(build_bert(shape, 2, 4));
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

std::string refusal(const Graph& graph) {
  try {
    TrainingProgram program;
    program.graph = graph;
    compile(program, MachineShape{}, CompilerConfig{}, 64 << 20);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every op without commands is refused with its name and its value's", "[compiler]") {
  std::map<std::string, std::pair<Graph, Op>> ops;  // one of each kind
  for (const Graph& graph : {llama_graph(), bert_graph()}) {
    for (const Op& op : graph.ops) {
      if (kLowered.count(name_of(op)) == 0) ops.try_emplace(name_of(op), graph, op);
    }
  }
  // Those that every transformer step has are among them: else the loop below shows nothing.
  for (const char* name : {"embedding", "rms_norm", "layer_norm", "rope", "softmax", "dropout",
                           "cross_entropy", "cross_entropy_gradient", "softmax_gradient"}) {
    INFO(name);
    CHECK(ops.count(name) == 1);
  }
  for (const auto& [name, found] : ops) {
    const auto& [graph, op] = found;
    CHECK_THAT(refusal(alone(graph, op)), Contains(name) && Contains(result_name(graph, op)));
  }
}

TEST_CASE("products of attention, which have three dimensions, are refused", "[compiler]") {
  const Graph graph = llama_graph();
  const auto scores = std::find_if(graph.ops.begin(), graph.ops.end(), [&](const Op& op) {
    return result_name(graph, op) == "model.layers.0.self_attn.scores";
  });
  REQUIRE(scores != graph.ops.end());
  CHECK_THAT(refusal(alone(graph, *scores)), Contains("model.layers.0.self_attn.scores"));
}

TEST_CASE("rows that are used again and again are refused where there are several, with the reason",
          "[compiler]") {
  Graph graph;
  const ValueId left = add_value(graph, {"left", {6, 8}, DType::F32, Role::kInput});
  const ValueId table = add_value(graph, {"table", {3, 8}, DType::F32, Role::kInput});
  add_add(graph, "sum", left, table);
  CHECK(refusal(graph) ==
        "sum: the accelerator does not run the op add yet with 3 rows of table used again and "
        "again");
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

TEST_CASE("of the activations only ReLU runs", "[compiler]") {
  Graph graph;
  const ValueId in = add_value(graph, {"in", {6, 8}, DType::BF16, Role::kInput});
  add_activation(graph, "out", in, ActivationFunction::kRelu);
  CHECK(refusal(graph).empty());
  add_activation(graph, "silu", in, ActivationFunction::kSilu);
  CHECK(refusal(graph) ==
        "silu: the accelerator does not run the op activation yet of that function");
}

TEST_CASE("a product with a bias of BF16 is refused", "[compiler]") {
  Graph graph;
  const ValueId left = add_value(graph, {"left", {6, 8}, DType::BF16, Role::kInput});
  const ValueId bias = add_value(graph, {"bias", {1, 6}, DType::BF16, Role::kInput});
  add_contraction(graph, "out", {{left, false, left, true, {}}}, 1.0f, bias, DType::BF16,
                  Role::kResult);
  CHECK(refusal(graph) ==
        "out: the accelerator does not run the op contraction yet with a bias of "
        "BF16");
}

TEST_CASE("a whole transformer is refused; a layer's step, which has commands, is not",
          "[compiler]") {
  CHECK_FALSE(refusal(llama_graph()).empty());
  CHECK_FALSE(refusal(bert_graph()).empty());
  LinearLayer step;
  step.tokens = 8;
  step.in = 16;
  step.out = 16;
  step.lora = {4, 2, false};
  CHECK(refusal(linear_layers({step}).graph).empty());
}
