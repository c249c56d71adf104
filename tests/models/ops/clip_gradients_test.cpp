// The norm of all gradients and the factor, in FP32.
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
  for (const ValueId id : add_clip_gradients(graph, gradients, most))
    graph.value(id).role = Role::kResult;
  TensorMap values{{"a", a}, {"b", b}};
  execute(graph, Numerics::kBf16, values);
  return {test::floats(values.at("a.clipped")), test::floats(values.at("b.clipped"))};
}

}  // namespace

TEST_CASE("a norm is that of all gradients together") {
  const Tensor a = test::f32({2}, {3, 0}), b = test::f32({1, 1}, {-4}), c = test::f32({1}, {12});
  CHECK(global_norm({&a, &b, &c}) == 13);
}

TEST_CASE("squares are summed by rows, and the rows are one chain in the order of the gradients") {
  // 2^24 + 1 = 2^24 in FP32. A row of 2^12 and 1 loses the 1, as does a chain that has 2^24
  // already; two ones that come before it, or in one row, arrive.
  const Tensor large = test::f32({1, 1}, {4096}), ones = test::f32({2, 1}, {1, 1}),
               row = test::f32({1, 2}, {1, 1}), both = test::f32({1, 2}, {4096, 1});
  const auto squares = [](const std::vector<const Tensor*>& gradients) {
    const float norm = global_norm(gradients);
    return static_cast<double>(norm) * static_cast<double>(norm);
  };
  CHECK(squares({&large, &ones}) == 0x1p24);
  CHECK(squares({&both}) == 0x1p24);
  // The root of 2^24 + 2 is 4096 and 1/4096, half a unit: to even, 4096. Of 2^24 + 4 it is more.
  const Tensor twos = test::f32({1, 1}, {2});
  CHECK(squares({&large, &twos}) > 0x1p24);
  CHECK(squares({&large, &row, &row}) > 0x1p24);
  CHECK(squares({&large, &ones, &ones}) == 0x1p24);
}

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
