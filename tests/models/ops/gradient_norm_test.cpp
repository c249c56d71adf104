// The norm of all gradients, in FP32.
#include "models/ops/gradient_norm.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/graph/graph.h"
#include "models/reference/execute.h"
#include "tests/models/tensors.h"

using namespace corank;

namespace {

float norm_of(const std::vector<Tensor>& gradients, bool by_columns = false) {
  Graph graph;
  TensorMap values;
  std::vector<NormedGradient> normed;
  for (const Tensor& gradient : gradients) {
    const std::string name = "g" + std::to_string(normed.size());
    values[name] = gradient;
    normed.push_back(
        {add_value(graph, {name, gradient.shape, DType::F32, Role::kInput}), by_columns});
  }
  graph.value(add_gradient_norm(graph, "norm", normed)).role = Role::kResult;
  execute(graph, Numerics::kBf16, values);
  return test::floats(values.at("norm")).front();
}

// 2^24 + 1 = 2^24 in FP32.
const Tensor kLarge = test::f32({1, 1}, {4096});

double squares(const std::vector<Tensor>& gradients, bool by_columns = false) {
  const double norm = norm_of(gradients, by_columns);
  return norm * norm;
}

}  // namespace

TEST_CASE("a norm is that of all gradients together") {
  CHECK(norm_of({test::f32({2}, {3, 0}), test::f32({1, 1}, {-4}), test::f32({1}, {12})}) == 13);
}

TEST_CASE("squares are summed by rows, and the rows are one chain in the order of the gradients") {
  // A row of 2^12 and 1 loses the 1, as does a chain that has 2^24 already; two ones that come
  // before it, or in one row, arrive.
  const Tensor ones = test::f32({2, 1}, {1, 1}), row = test::f32({1, 2}, {1, 1}),
               both = test::f32({1, 2}, {4096, 1});
  CHECK(squares({kLarge, ones}) == 0x1p24);
  CHECK(squares({both}) == 0x1p24);
  // The root of 2^24 + 2 is 4096 and 1/4096, half a unit: to even, 4096. Of 2^24 + 4 it is more.
  const Tensor twos = test::f32({1, 1}, {2});
  CHECK(squares({kLarge, twos}) > 0x1p24);
  CHECK(squares({kLarge, row, row}) > 0x1p24);
  CHECK(squares({kLarge, ones, ones}) == 0x1p24);
}

TEST_CASE("by columns, the squares of a column are summed first") {
  // Columns of four ones arrive where ones by themselves are lost.
  const Tensor ones = test::f32({4, 1}, {1, 1, 1, 1});
  CHECK(squares({kLarge, ones}) == 0x1p24);
  CHECK(squares({kLarge, ones}, true) > 0x1p24);
  // Columns ascending: 2^24, then two and two ones.
  CHECK(squares({test::f32({2, 3}, {4096, 1, 1, 0, 1, 1})}, true) > 0x1p24);
  CHECK(squares({test::f32({1, 5}, {4096, 1, 1, 1, 1})}, true) == 0x1p24);
}

TEST_CASE("the norm of a NaN is NaN") {
  CHECK(std::isnan(norm_of({test::f32({2}, {3, 0}), test::f32({1}, {std::nanf("")})})));
}

TEST_CASE("only a matrix has columns") {
  CHECK_THROWS_AS(norm_of({test::f32({2}, {3, 4})}, true), InputError);
}
