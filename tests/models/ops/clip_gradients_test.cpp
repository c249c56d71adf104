// The factor that clips all gradients, in FP32.
#include "models/ops/clip_gradients.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/graph/graph.h"
#include "models/reference/execute.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

/// The clipped gradients a and b.
std::vector<std::vector<float>> clipped(const Tensor& a, const Tensor& b, double most) {
  Graph graph;
  const std::vector<ValueId> gradients = {
      add_value(graph, {"a", a.shape, DType::F32, Role::kInput}),
      add_value(graph, {"b", b.shape, DType::F32, Role::kInput})};
  const ValueId norm =
      add_gradient_norm(graph, "norm", {{gradients[0], false}, {gradients[1], false}});
  for (const ValueId id : add_clip_gradients(graph, gradients, norm, most))
    graph.value(id).role = Role::kResult;
  TensorMap values{{"a", a}, {"b", b}};
  execute(graph, Numerics::kBf16, values);
  return {test::floats(values.at("a.clipped")), test::floats(values.at("b.clipped"))};
}

}  // namespace

TEST_CASE("one factor clips all gradients, and only down") {
  const Tensor a = test::f32({2}, {3, 0}), b = test::f32({1}, {-4});
  CHECK(clipped(a, b, 10) == std::vector<std::vector<float>>{{3, 0}, {-4}});
  // 5 + 1e-6 is 5 and two units of 2^-21 in FP32.
  const float factor = 1.0f / (5.0f + 0x1p-20f);
  CHECK(clipped(a, b, 1) == std::vector<std::vector<float>>{{3 * factor, 0}, {-4 * factor}});
}

TEST_CASE("a NaN in one gradient makes all of them NaN") {
  const auto gradients = clipped(test::f32({2}, {3, 0}), test::f32({1}, {std::nanf("")}), 1);
  for (const auto& gradient : gradients)
    for (const float element : gradient) CHECK(std::isnan(element));
}
