#include "models/peft/oft.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

/// x = (1, 2, 3, 4), in blocks of two with Q = [[0, q], [-q, 0]] of q = 1 and of q = -1, W = 1.
std::vector<float> rotated(int terms) {
  Transformer model = test::one_linear(1, 4, 1);
  apply_oft(model, {{{"m", 2}}, terms});
  TensorMap values;
  values["x"] = test::bf16({1, 4}, {1, 2, 3, 4});
  values["m.weight"] = test::bf16({1, 4}, {1, 1, 1, 1});
  values["m.bias"] = test::bf16({1}, {0});
  values["m.oft_R.weight"] = test::f32({2, 1}, {1, -1});
  values[skew_name(2)] = test::bf16({1, 4}, test::floats(skew_matrix(2)));
  run_bit_exact(model.graph, values);
  return test::floats(values.at("m.rotated"));
}

}  // namespace

TEST_CASE("Blocks are rotated by the series of their skew-symmetric matrices") {
  using Floats = std::vector<float>;
  // x Q = (-x1 q, x0 q) and Q^2 = -1: I + 2 Q + 2 Q^2 + 2 Q^3 + Q^4 = I + 2 Q - 2 - 2 Q + 1 = 0.
  CHECK(rotated(5) == Floats{0, 0, 0, 0});
  CHECK(rotated(2) == Floats{1 - 4, 2 + 2, 3 + 8, 4 - 6});  // I + 2 Q
  // I + 2 Q + 2 Q^2 + Q^3 = -I + Q, of 3 terms as of 4
  CHECK(rotated(3) == Floats{-1 - 2, -2 + 1, -3 + 4, -4 - 3});
  CHECK(rotated(4) == rotated(3));
  CHECK(rotated(6) == Floats{1 - 2, 2 + 1, 3 + 4, 4 - 3});  // that of 5 terms, and Q^4 + Q^5
}

TEST_CASE("The fixed matrix makes both triangles of one") {
  const Tensor matrix = skew_matrix(3);
  CHECK(matrix.shape == Shape{3, 9});
  CHECK(test::floats(matrix) == std::vector<float>{0, 1, 0, -1, 0, 0, 0,  0,  0,  //
                                                   0, 0, 1, 0,  0, 0, -1, 0,  0,  //
                                                   0, 0, 0, 0,  0, 1, 0,  -1, 0});
}

TEST_CASE("OFT's rows in whole models have derivatives that are central differences") {
  std::mt19937_64 generator(91);
  for (const int terms : {2, 5, 6}) {
    for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
      OftPlan plan;
      plan.terms = terms;
      for (const Module& module : model.modules)
        if (module.kind == ModuleKind::kLinear)
          plan.modules.push_back({module.name, plan.modules.size() % 2 == 0 ? 4 : 3});
      apply_oft(model, plan);
      test::check_derivatives(model, plan.modules.size(), generator);
    }
  }
}

TEST_CASE("OFT refuses what is no linear, stands there twice, or has no whole blocks") {
  Transformer model = test::one_linear(1, 4, 1);
  CHECK_THROWS_WITH(apply_oft(model, {{{"norm", 2}}, 5}),
                    Equals("OFT: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_oft(model, {{{"m", 2}, {"m", 2}}, 5}),
                    Equals("m is listed twice as an adapter's module"));
  Transformer other = test::one_linear(1, 4, 1);
  CHECK_THROWS_WITH(apply_oft(other, {{{"m", 3}}, 5}),
                    Equals("OFT: expected blocks of 2 or more features that divide the 4 that m "
                           "reads, found 3"));
  CHECK_THROWS_WITH(apply_oft(other, {{{"m", 2}}, 1}),
                    Equals("OFT: expected at least 2 terms, found 1"));
}
