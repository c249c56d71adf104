// What needs no command or no time of its own: views of heads and slices; values that never leave
// the local memories because ops follow the product that computes them; work of the vector unit
// that is hidden behind products.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "host/compiler/compiler.h"
#include "host/verify/run_case.h"

namespace corank::test {
namespace {

constexpr GemmKind kForward{Part::kFrozen, Pass::kForward};
constexpr std::int64_t kBatch = 2, kSequence = 5, kHeads = 4, kKeyHeads = 2;

ValueId input(Graph& graph, const char* name, const Shape& shape) {
  return add_value(graph, {name, shape, DType::BF16, Role::kInput});
}

/// Scores of grouped queries times values, merged: attention without its softmax.
TrainingProgram attention(std::int64_t width) {
  TrainingProgram program;
  Graph& graph = program.graph;
  const auto heads = [&](const char* name, std::int64_t count) {
    const ValueId in = input(graph, name, {kBatch * kSequence, count * width});
    return add_split_heads(graph, std::string(name) + "_heads", in, kBatch, count);
  };
  const ValueId query = heads("query", kHeads);
  const ValueId key = add_repeat_heads(graph, "keys", heads("key", kKeyHeads), kHeads / kKeyHeads);
  const ValueId value =
      add_repeat_heads(graph, "values", heads("value", kKeyHeads), kHeads / kKeyHeads);
  const ValueId scores = add_contraction(graph, "scores", {{query, false, key, true, kForward}},
                                         0.5f, std::nullopt, DType::BF16, Role::kIntermediate);
  const ValueId context =
      add_contraction(graph, "context_heads", {{scores, false, value, false, kForward}}, 1.0f,
                      std::nullopt, DType::BF16, Role::kIntermediate);
  const ValueId merged = add_merge_heads(graph, "context", context, kBatch, kHeads);
  graph.value(merged).role = Role::kResult;
  return program;
}

CompiledStep compiled(const TrainingProgram& program) {
  CompilerConfig limits;
  limits.rehearse = false;
  return compile(program, {}, limits, 16 << 20);
}

std::int64_t commands_of(const CompiledStep& step, const Graph& graph, const std::string& result) {
  return std::count_if(
      step.commands.begin(), step.commands.end(), [&](const CompiledCommand& command) {
        return command.op >= 0 &&
               result_name(graph, graph.ops[static_cast<std::size_t>(command.op)]) == result;
      });
}

std::string view_of(const CompiledStep& step, const Graph& graph, const char* name) {
  const ValueId of = step.plan.view_of[static_cast<std::size_t>(*find_value(graph, name))];
  return of < 0 ? "" : graph.value(of).name;
}

/// The cycle model's results against the reference's; "": equal.
std::string difference(const TrainingProgram& program, int block_columns = 0) {
  DrawnCase drawn;
  drawn.config.compiler.block_columns = block_columns;
  drawn.config.compiler.rehearse = false;
  drawn.feeds.emplace_back();
  draw::Random random(3);
  for (const Value& value : program.graph.values) {
    if (is_computed(value)) continue;
    drawn.feeds.front()[value.name] = draw::bf16(random, value.shape, 1.0f);
  }
  const CompiledCase compiled(std::move(drawn), program);
  return differences(compiled, run_case(compiled, Fidelity::kCycle, "").steps);
}

/// relu(x w^T) + y, times y: three ops, two of which nobody else reads.
TrainingProgram chain() {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {70, 400});
  const ValueId weight = add_value(graph, {"weight", {90, 400}, DType::BF16, Role::kInput});
  const ValueId y = input(graph, "y", {70, 90});
  const ValueId product = add_contraction(graph, "product", {{x, false, weight, true, kForward}},
                                          1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
  const ValueId relu = add_activation(graph, "relu", product, ActivationFunction::kRelu);
  const ValueId sum = add_add(graph, "sum", relu, y);
  graph.value(add_multiply(graph, "out", sum, y)).role = Role::kResult;
  return program;
}

/// One head of attention over projections of x, 64 wide; the values' projection comes first.
TrainingProgram attention_of_projections() {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {64, 256});
  const auto projection = [&](const char* name) {
    const ValueId weight = input(graph, (std::string(name) + ".weight").c_str(), {64, 256});
    const ValueId out = add_contraction(graph, name, {{x, false, weight, true, kForward}}, 1.0f,
                                        std::nullopt, DType::BF16, Role::kIntermediate);
    return add_split_heads(graph, std::string(name) + "_heads", out, 1, 1);
  };
  const ValueId value = projection("value");
  const ValueId query = projection("query");
  const ValueId key = projection("key");
  const ValueId scores = add_contraction(graph, "scores", {{query, false, key, true, kForward}},
                                         0.125f, std::nullopt, DType::F32, Role::kIntermediate);
  const ValueId wide = add_softmax(graph, "probabilities", scores, std::nullopt, true);
  const ValueId narrow = add_convert(graph, "probabilities.bf16", wide);
  add_contraction(graph, "context", {{narrow, false, value, false, kForward}}, 1.0f, std::nullopt,
                  DType::BF16, Role::kResult);
  return program;
}

/// "q k s v(p) c": the stages, with what is overlapped, by the first letters of their results.
std::string order_of(const CompiledStep& step, const Graph& graph) {
  const auto letter = [&](int op) {
    return result_name(graph, graph.ops[static_cast<std::size_t>(op)]).substr(0, 1);
  };
  std::string text;
  for (const Stage& stage : step.plan.stages) {
    if (commands_of(step, graph,
                    result_name(graph, graph.ops[static_cast<std::size_t>(stage.op)])) == 0)
      continue;
    text += (text.empty() ? "" : " ") + letter(stage.op);
    for (const int op : stage.overlapped) text += "(" + letter(op) + ")";
  }
  return text;
}

}  // namespace

TEST_CASE("heads of whole panels, repeated and merged ones are views and have no commands",
          "[compiler][views]") {
  const TrainingProgram program = attention(64);
  const CompiledStep step = compiled(program);
  const Graph& graph = program.graph;
  CHECK(view_of(step, graph, "query_heads") == "query");
  CHECK(view_of(step, graph, "key_heads") == "key");
  CHECK(view_of(step, graph, "keys") == "key_heads");
  CHECK(view_of(step, graph, "values") == "value_heads");
  CHECK(view_of(step, graph, "context_heads") == "context");
  for (const char* name : {"query_heads", "key_heads", "keys", "value_heads", "values", "context"})
    CHECK(commands_of(step, graph, name) == 0);
  CHECK(commands_of(step, graph, "scores") > 0);
  CHECK(difference(program) == "");
}

TEST_CASE("heads that do not begin at panels are moved", "[compiler][views]") {
  const TrainingProgram program = attention(32);
  const CompiledStep step = compiled(program);
  const Graph& graph = program.graph;
  CHECK(view_of(step, graph, "query_heads") == "");
  CHECK(view_of(step, graph, "context_heads") == "");
  CHECK(commands_of(step, graph, "query_heads") > 0);
  CHECK(commands_of(step, graph, "context") > 0);
  // Repeated heads are rows of what was moved.
  CHECK(view_of(step, graph, "keys") == "key_heads");
  CHECK(difference(program) == "");
}

TEST_CASE("a plan whose view lies elsewhere than the op says is refused", "[compiler][views]") {
  const TrainingProgram program = attention(64);
  Plan plan = compiled(program).plan;
  const auto keys = static_cast<std::size_t>(*find_value(program.graph, "keys"));
  plan.layouts[keys].dimensions[1].column_stride = 0;  // of heads
  CHECK(violations(plan, program.graph, {}).front() ==
        "keys: row 10 of the view does not lie where key_heads has it");
}

TEST_CASE("a state is no view: its place has other numbers later", "[compiler][views]") {
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId state = add_value(graph, {"state", {4, 6}, DType::F32, Role::kState});
  const ValueId rows = add_slice(graph, "rows", state, 0, 1, 2, DType::F32);
  const ValueId next = add_scale(graph, "next", state, 2.0f, DType::F32);
  graph.value(next).role = Role::kResult;
  graph.value(add_scale(graph, "out", rows, 2.0f, DType::F32)).role = Role::kResult;
  CHECK(view_of(compiled(program), graph, "rows") == "state");
  program.states = {{state, next}};
  CHECK(view_of(compiled(program), graph, "rows") == "");
}

TEST_CASE(
    "ops on a product's result are carried out on its blocks, and what nobody else reads "
    "never leaves the local memories",
    "[compiler][followers]") {
  TrainingProgram program = chain();
  const Graph& graph = program.graph;
  const CompiledStep step = compiled(program);
  REQUIRE(step.plan.stages.size() == 1);
  CHECK(step.plan.stages.front().followers == std::vector<int>{1, 2, 3});
  for (const char* name : {"product", "relu", "sum"}) {
    const auto id = static_cast<std::size_t>(*find_value(graph, name));
    CHECK(step.plan.local[id]);
    CHECK(step.traffic[id].loaded_bytes + step.traffic[id].stored_bytes == 0);
  }
  // Two panels of 70 rows, each 128 bytes; y once for the sum, once for the product.
  const auto y = static_cast<std::size_t>(*find_value(graph, "y"));
  const auto out = static_cast<std::size_t>(*find_value(graph, "out"));
  CHECK(step.traffic[y].loaded_bytes == 2 * 2 * 70 * 128);
  CHECK(step.traffic[out].stored_bytes == 2 * 70 * 128);
  CHECK(difference(program) == "");
}

TEST_CASE("what is read elsewhere is stored, too", "[compiler][followers]") {
  TrainingProgram program = chain();
  Graph& graph = program.graph;
  graph.value(*find_value(graph, "relu")).role = Role::kResult;
  const CompiledStep step = compiled(program);
  const auto relu = static_cast<std::size_t>(*find_value(graph, "relu"));
  CHECK_FALSE(step.plan.local[relu]);
  CHECK(step.traffic[relu].loaded_bytes == 0);
  CHECK(step.traffic[relu].stored_bytes == 2 * 70 * 128);
  CHECK(difference(program) == "");
}

TEST_CASE("blocks of FP32 sums begin where the BF16 values begin that meet or follow them",
          "[compiler][followers]") {
  // A panel has 32 columns of FP32, and 64 of BF16: blocks of 32 columns would begin within one.
  TrainingProgram program;
  Graph& graph = program.graph;
  const ValueId x = input(graph, "x", {10, 130});
  const ValueId weight = input(graph, "weight", {90, 130});
  const Term term{x, false, weight, true, kForward};
  SECTION("a sum with a BF16 value") {
    const ValueId product = add_contraction(graph, "product", {term}, 1.0f, std::nullopt,
                                            DType::F32, Role::kIntermediate);
    const ValueId y = input(graph, "y", {10, 90});
    graph.value(add_add(graph, "sum", product, y)).role = Role::kResult;
    CHECK(compiled(program).plan.stages.front().followers.size() == 1);
  }
  SECTION("a BF16 bias") {
    const ValueId bias = input(graph, "bias", {90});
    add_contraction(graph, "product", {term}, 1.0f, bias, DType::F32, Role::kResult);
  }
  CHECK(difference(program, 32) == "");
}

TEST_CASE("the softmax is hidden behind the projection of the values, which waits for it",
          "[compiler][hidden]") {
  const TrainingProgram program = attention_of_projections();
  CHECK(order_of(compiled(program), program.graph) == "q k s v(p) p c");
  CHECK(difference(program) == "");
}

TEST_CASE("what is hidden behind a product leaves alone what its followers have yet to read",
          "[compiler][hidden]") {
  TrainingProgram program = chain();
  Graph& graph = program.graph;
  const ValueId z = input(graph, "z", {64, 40});
  const ValueId weight = input(graph, "norm.weight", {40});
  graph.value(add_rms_norm(graph, "n", z, weight, 1e-5)).role = Role::kResult;
  const CompiledStep step = compiled(program);
  CHECK(order_of(step, graph) == "p(n)");
  CHECK(step.plan.stages.front().followers.size() == 3);
  CHECK(difference(program) == "");
}

TEST_CASE("a plan in which what stays in the local memories is read later is refused",
          "[compiler][followers]") {
  const TrainingProgram program = chain();
  Plan plan = compiled(program).plan;
  plan.stages.front().followers = {1, 2};
  plan.stages.push_back({3, {}});
  plan.blocks.resize(2);
  plan.buffers.resize(2);
  CHECK(violations(plan, program.graph, {}).front() ==
        "stage 1: out reads sum, which is not in memory");
}

}  // namespace corank::test
