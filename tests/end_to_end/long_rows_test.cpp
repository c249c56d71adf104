// Ops that reduce rows of which the local memories hold a part: phase by phase, on RTL and cycle
// model, with the reference's bits and the account's counts.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string>

#include "host/verify/run_case.h"
#include "models/ops/cross_entropy.h"
#include "models/ops/embedding.h"
#include "tests/end_to_end/row_passes.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

// Neither a whole number of panels nor of strips.
constexpr std::int64_t kColumns = 333, kRows = 33;

ValueId given(Graph& graph, const std::string& name, const Shape& shape,
              DType dtype = DType::BF16) {
  return add_value(graph, {name, shape, dtype, Role::kInput});
}

/// What is computed is all compared.
TrainingProgram program_of(const std::function<void(Graph&)>& add) {
  TrainingProgram program;
  add(program.graph);
  for (Value& value : program.graph.values)
    if (is_computed(value)) value.role = Role::kResult;
  check(program.graph);
  return program;
}

constexpr std::int64_t kTableRows = 9;

/// Labels below the columns, some of them ignored; masks; ids of a table's rows; numbers.
Tensor drawn(draw::Random& random, const Value& value) {
  if (value.dtype == DType::BF16) return draw::bf16(random, value.shape, 1);
  if (value.dtype == DType::F32) return draw::f32(random, value.shape, 1, false);
  Tensor tensor(DType::I64, value.shape);
  for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
    const bool ignored = i > 0 && draw::chance(random, 4);
    tensor.data<std::int64_t>()[i] = value.name == "mask" ? draw::between(random, 0, 1)
                                     : value.name == "ids"
                                         ? draw::between(random, 0, kTableRows - 1)
                                     : ignored ? kIgnoredLabel
                                               : draw::between(random, 0, kColumns - 1);
  }
  return tensor;
}

DrawnCase case_of(const TrainingProgram& program, std::uint64_t seed) {
  DrawnCase drawn_case;
  drawn_case.config.machine = test_machines().at(2);  // 4 x 4, 4 lanes
  drawn_case.config.compiler.rehearse = false;
  draw::Random random(seed);
  TensorMap fed;
  for (const Value& value : program.graph.values)
    if (!is_computed(value)) fed[value.name] = drawn(random, value);
  drawn_case.feeds = {std::move(fed)};
  return drawn_case;
}

/// With the memories of the machine, which hold rows, and with such that hold a panel of all four
/// lanes' rows where one value is FP32, of fewer where there are more.
void check_long_rows(const std::string& what, const std::function<void(Graph&)>& add) {
  const TrainingProgram program = program_of(add);
  for (const int kib : {0, 3}) {
    INFO(what << ", " << kib << " KiB");
    DrawnCase one = case_of(program, 7);
    one.config.compiler.accumulator_kib = one.config.compiler.scratchpad_kib = kib;
    const RowPasses passes = row_passes(program, one.config);
    CHECK(passes.all > 0);
    CHECK(passes.by_phases == (kib > 0 ? passes.all : 0));
    CHECK(verify_case(CompiledCase(one, program), library_of(one.config.machine)).difference == "");
  }
}

/// An op of the backward pass that has this struct.
template <class Gradient>
void add_gradient(Graph& graph, Gradient op, const Shape& shape, DType dtype) {
  op.out = add_value(graph, {"slope", shape, dtype, Role::kIntermediate});
  graph.ops.push_back(op);
}

}  // namespace

TEST_CASE("softmax goes over long rows by phases, with every mask", "[rows]") {
  for (const bool causal : {false, true}) {
    for (const bool masked : {false, true}) {
      check_long_rows(
          std::string(causal ? "causal" : "") + (masked ? " masked" : ""), [&](Graph& graph) {
            const ValueId scores = given(graph, "scores", {2, 11, kColumns}, DType::F32);
            std::optional<ValueId> mask;
            if (masked) mask = given(graph, "mask", {2, kColumns}, DType::I64);
            add_softmax(graph, "out", scores, mask, causal,
                        causal == masked ? DType::F32 : DType::BF16);
          });
    }
  }
}

TEST_CASE("the statistics of a softmax, and what is made of them, go over long rows by phases",
          "[rows]") {
  for (const bool causal : {false, true}) {
    for (const bool masked : {false, true}) {
      check_long_rows(
          std::string(causal ? "causal" : "") + (masked ? " masked" : ""), [&](Graph& graph) {
            // More than a piece of a vector has, too, which does not begin with a panel then.
            const Shape shape{2, causal && masked ? 35 : 11, kColumns};
            const ValueId scores = given(graph, "scores", shape, DType::F32);
            std::optional<ValueId> mask;
            if (masked) mask = given(graph, "mask", {2, kColumns}, DType::I64);
            add_softmax(graph, "out", scores, mask, causal);
            Softmax& softmax = std::get<Softmax>(graph.ops.back());
            add_row_statistics(graph, softmax);
            SoftmaxFromStatistics again{
                scores, mask, causal, *softmax.largest, *softmax.inverse_sum, -1};
            again.out = add_value(graph, {"again", shape, DType::F32, Role::kIntermediate});
            graph.ops.emplace_back(again);
          });
    }
  }
}

TEST_CASE("the norms of long rows are summed up by phases", "[rows]") {
  check_long_rows("norms", [](Graph& graph) {
    add_inverse_row_norms(graph, "out", given(graph, "in", {kRows, kColumns}, DType::F32));
  });
}

TEST_CASE("softmax's gradient goes over long rows by phases", "[rows]") {
  check_long_rows("gradient of softmax", [](Graph& graph) {
    const Shape shape{2, 7, kColumns};
    SoftmaxGradient op;
    op.gradient = given(graph, "gradient", shape);
    op.probabilities = given(graph, "probabilities", shape, DType::F32);
    add_gradient(graph, op, shape, DType::BF16);
  });
}

TEST_CASE("RMSNorm and its gradient go over long rows by phases, in every format", "[rows]") {
  const Shape shape{kRows, kColumns};
  for (const DType in : {DType::BF16, DType::F32}) {
    check_long_rows("RMSNorm of " + std::string(name_of(in)), [&](Graph& graph) {
      add_rms_norm(graph, "out", given(graph, "in", shape, in), given(graph, "weight", {kColumns}),
                   1e-5);
    });
    for (const DType gradient : {DType::BF16, DType::F32}) {
      check_long_rows("gradient of " + std::string(name_of(in)) + name_of(gradient),
                      [&](Graph& graph) {
                        RmsNormGradient op;
                        op.gradient = given(graph, "gradient", shape, gradient);
                        op.in = given(graph, "in", shape, in);
                        op.inverse_rms = given(graph, "r", {kRows}, DType::F32);
                        op.weight = given(graph, "weight", {kColumns}, DType::F32);
                        add_gradient(graph, op, shape, DType::BF16);
                      });
    }
  }
}

TEST_CASE("LayerNorm and its gradient go over long rows by phases, in every format", "[rows]") {
  const Shape shape{kRows, kColumns};
  for (const DType in : {DType::BF16, DType::F32}) {
    check_long_rows("LayerNorm of " + std::string(name_of(in)), [&](Graph& graph) {
      add_layer_norm(graph, "out", given(graph, "in", shape, in),
                     given(graph, "weight", {kColumns}),
                     given(graph, "bias", {kColumns}, DType::F32), 1e-5);
    });
    for (const DType gradient : {DType::BF16, DType::F32}) {
      check_long_rows("gradient of " + std::string(name_of(in)) + name_of(gradient),
                      [&](Graph& graph) {
                        LayerNormGradient op;
                        op.gradient = given(graph, "gradient", shape, gradient);
                        op.normalized = given(graph, "normalized", shape, in);
                        op.inverse_std = given(graph, "r", {kRows}, DType::F32);
                        op.weight = given(graph, "weight", {kColumns});
                        add_gradient(graph, op, shape, DType::BF16);
                      });
    }
  }
}

TEST_CASE("cross-entropy goes over a long vocabulary by phases", "[rows]") {
  for (const bool shifted : {false, true}) {
    check_long_rows(shifted ? "shifted" : "not shifted", [&](Graph& graph) {
      const ValueId logits = given(graph, "logits", {36, kColumns}, DType::F32);
      const ValueId labels = given(graph, "labels", {4, 9}, DType::I64);
      add_cross_entropy(graph, "loss", logits, labels, shifted);
    });
  }
}

TEST_CASE("the norms of gradients with long rows, or columns, go by phases", "[rows]") {
  check_long_rows("norm", [](Graph& graph) {
    add_gradient_norm(graph, "norm",
                      {{given(graph, "a", {5, kColumns}, DType::F32), false},
                       {given(graph, "b", {2 * kColumns}, DType::F32), false},
                       {given(graph, "c", {kColumns, 3}, DType::F32), true}});
  });
}

// 2 KiB are 64 lines of each half: of rows as wide as a panel three at most, beside what goes with
// them two. The indices of 32 rows come at once.
TEST_CASE("rows that indices name come few at a time where more have no room", "[rows]") {
  for (const DType dtype : {DType::BF16, DType::F32}) {
    const TrainingProgram program = program_of([&](Graph& graph) {
      const ValueId ids = given(graph, "ids", {75}, DType::I64);
      add_embedding(graph, "out", given(graph, "table", {kTableRows, 100}), ids, false,
                    std::nullopt, dtype);
      ScatterAdd sums;
      sums.in = given(graph, "gradient", {75, 100}, dtype);
      sums.ids = ids;
      sums.rows = kTableRows;
      sums.padding_id = 2;
      add_gradient(graph, sums, {kTableRows, 100}, DType::F32);
    });
    DrawnCase one = case_of(program, 11);
    one.config.compiler.accumulator_kib = one.config.compiler.scratchpad_kib = 2;
    INFO(name_of(dtype));
    CHECK(verify_case(CompiledCase(one, program), library_of(one.config.machine)).difference == "");
  }
}
