#include "models/reference/fp64.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "tests/models/graph/random_graph.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

using Gradients = std::map<std::string, Tensor>;

/// L = sum over the outputs of G * Y.
double loss(const Graph& graph, const TensorMap& inputs, const Gradients& output_gradients) {
  const auto values = run_fp64(graph, inputs, {}).values;
  double sum = 0;
  for (const auto& [name, gradient] : output_gradients) {
    const std::vector<float> weights = test::floats(gradient);
    for (Eigen::Index i = 0; i < values.at(name).size(); ++i) {
      sum += double{weights[static_cast<std::size_t>(i)]} * values.at(name).data()[i];
    }
  }
  return sum;
}

/// dL / d(tensor), by central differences of the steps h and 2h, extrapolated (Richardson): the
/// error is of the order h^4. Elements are multiples of 2^-6 below 2 in size, so that FP32 holds
/// the shifted ones exactly.
MatrixFp64 differences(const Graph& graph, TensorMap inputs, const Gradients& output_gradients,
                       const std::string& name) {
  const float h = 0x1p-10f;
  Tensor& tensor = inputs.at(name);
  MatrixFp64 derivative(tensor.rows(), tensor.columns());
  for (Eigen::Index i = 0; i < derivative.size(); ++i) {
    float& element = tensor.data<float>()[i];
    const float center = element;
    const auto difference = [&](float step) {
      element = center + step;
      const double above = loss(graph, inputs, output_gradients);
      element = center - step;
      const double below = loss(graph, inputs, output_gradients);
      element = center;
      return (above - below) / (2.0 * double{step});
    };
    derivative.data()[i] = (4.0 * difference(h) - difference(2.0f * h)) / 3.0;
  }
  return derivative;
}

}  // namespace

TEST_CASE("forward values and gradients of a scaled and biased product, by hand") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {1, 2}, DType::BF16, Role::kInput});
  const ValueId w = add_value(graph, {"w", {2, 2}, DType::F32, Role::kTrainable});
  const ValueId frozen = add_value(graph, {"frozen", {2, 2}, DType::BF16, Role::kFrozen});
  const ValueId bias = add_value(graph, {"bias", {2}, DType::F32, Role::kTrainable});
  const ValueId copy = add_convert(graph, "w.bf16", w);
  add_contraction(graph, "y", {{x, false, copy, true, {}}, {x, false, frozen, false, {}}}, 0.5f,
                  bias, DType::BF16, Role::kResult);
  TensorMap inputs{{"x", test::bf16({1, 2}, {1, 2})},
                   {"w", test::f32({2, 2}, {1, 0x1p-20f, 3, 4})},  // not a BF16 value: kept
                   {"frozen", test::bf16({2, 2}, {1, 0, 0, 1})},
                   {"bias", test::f32({2}, {10, 20})}};
  const Fp64Result result = run_fp64(graph, inputs, {{"y", test::f32({1, 2}, {2, 4})}});
  const auto matrix = [](std::initializer_list<std::initializer_list<double>> rows) {
    return MatrixFp64(rows);
  };
  CHECK(result.values.at("y") == matrix({{11 + 0x1p-20, 26.5}}));
  CHECK(result.gradients.at("x") == matrix({{8, 10 + 0x1p-20}}));
  CHECK(result.gradients.at("w") == matrix({{1, 2}, {2, 4}}));
  CHECK(result.gradients.at("bias") == matrix({{2, 4}}));
  CHECK(result.gradients.count("frozen") == 0);
}

TEST_CASE("gradients of random graphs agree with central differences") {
  const auto seed = GENERATE(range(1, 31));
  INFO("seed " << seed);
  std::mt19937_64 generator(static_cast<std::uint64_t>(seed));
  const auto random = test::random_graph(generator, 1 + seed % 4, 5);
  const auto dyadic = [&](const Value& value) {
    std::vector<float> elements(static_cast<std::size_t>(element_count(value.shape)));
    for (float& element : elements) {
      element = (static_cast<float>(generator() % 129) - 64.0f) / 64.0f;
    }
    return test::f32(value.shape, elements);
  };
  const TensorMap inputs = test::inputs_of(random.graph, dyadic);
  Gradients output_gradients;
  for (const ValueId id : random.outputs) {
    const Value& value = random.graph.value(id);
    output_gradients[value.name] = dyadic(value);
  }
  const Fp64Result result = run_fp64(random.graph, inputs, output_gradients);
  for (const Value& value : random.graph.values) {
    if (value.role != Role::kTrainable && value.role != Role::kInput) continue;
    if (result.gradients.count(value.name) == 0) continue;
    INFO("gradient of " << value.name);
    const MatrixFp64 expected = differences(random.graph, inputs, output_gradients, value.name);
    const MatrixFp64& found = result.gradients.at(value.name);
    CHECK((found - expected).norm() <= 1e-7 * expected.norm() + 1e-11);
  }
}

TEST_CASE("error figures name the worst column") {
  MatrixFp64 reference(2, 2);
  reference << 3, 6, 4, 8;
  const ErrorFigures figures = error_against(test::f32({2, 2}, {3, 6, 4, 9}), reference);
  CHECK(figures.relative_frobenius == Approx(1 / std::sqrt(125.0)));
  CHECK(figures.worst_column == Approx(0.1));
  CHECK(figures.worst_column_index == 1);
  CHECK(error_against(test::bf16({2, 2}, {3, 6, 4, 8}), reference).relative_frobenius == 0);
  CHECK_THROWS_WITH(error_against(test::f32({1, 2}, {3, 6}), reference),
                    Equals("error against FP64: expected the shape [2, 2], found [1, 2]"));
}

TEST_CASE("a NaN and a value that should be zero are infinitely wrong") {
  const MatrixFp64 zero = MatrixFp64::Zero(1, 2);
  CHECK(error_against(test::f32({1, 2}, {0, -0.0f}), zero).relative_frobenius == 0);
  const ErrorFigures wrong = error_against(test::f32({1, 2}, {0, 1e-30f}), zero);
  CHECK(std::isinf(wrong.relative_frobenius));
  CHECK(wrong.worst_column_index == 1);
  const MatrixFp64 ones = MatrixFp64::Ones(1, 2);
  const ErrorFigures nan = error_against(test::f32({1, 2}, {1, NAN}), ones);
  CHECK(std::isinf(nan.relative_frobenius));
  CHECK(std::isinf(nan.worst_column));
  CHECK(nan.worst_column_index == 1);
}

TEST_CASE("the FP64 reference refuses missing tensors and optimizer ops") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {2, 3}, DType::BF16, Role::kInput});
  add_contraction(graph, "y", {{x, false, x, true, {}}}, 1.0f, std::nullopt, DType::F32,
                  Role::kResult);
  TensorMap inputs;
  CHECK_THROWS_WITH(run_fp64(graph, inputs, {}), Equals("x: found no such tensor"));
  inputs["x"] = Tensor(DType::BF16, {3, 2});
  CHECK_THROWS_WITH(run_fp64(graph, inputs, {}),
                    Equals("x: expected the shape [2, 3], found [3, 2]"));
  inputs["x"] = Tensor(DType::BF16, {2, 3});
  CHECK_THROWS_WITH(run_fp64(graph, inputs, {{"z", Tensor(DType::F32, {2, 2})}}),
                    Equals("z: a gradient is given for it, but the graph has no such value"));
  CHECK_THROWS_WITH(run_fp64(graph, inputs, {{"y", Tensor(DType::F32, {2, 3})}}),
                    Equals("y: expected a gradient of the shape [2, 2], found [2, 3]"));

  const ValueId w = add_value(graph, {"w", {1}, DType::F32, Role::kTrainable});
  const ValueId a = add_value(graph, {"a", {1}, DType::F32, Role::kResult});
  const ValueId b = add_value(graph, {"b", {1}, DType::F32, Role::kResult});
  const ValueId c = add_value(graph, {"c", {1}, DType::F32, Role::kResult});
  const ValueId constants =
      add_value(graph, {"constants", {kAdamWConstants}, DType::F32, Role::kConstants});
  graph.ops.push_back(AdamW{w, w, w, w, a, b, c, constants, true});
  inputs["constants"] = Tensor(DType::F32, {kAdamWConstants});
  inputs["w"] = Tensor(DType::F32, {1});
  CHECK_THROWS_WITH(
      run_fp64(graph, inputs, {}),
      Equals("the FP64 reference takes a forward graph of contractions and conversions, found the "
             "op adamw"));
}
