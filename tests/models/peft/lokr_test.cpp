#include "models/peft/lokr.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

TEST_CASE("LoKr adds what the Kronecker product of two matrices would make of x") {
  using Floats = std::vector<float>;
  // Two tokens; w1 [2, 2], w2 [1, 2]: a weight [2, 4].
  Transformer model = test::one_linear(2, 4, 2);
  apply_lokr(model, {{{"m", {2, 1, false}, {2, 2, 1, 2, false, false}}}});
  test::add_backward(model);
  TensorMap values;
  values["x"] = test::bf16({2, 4}, {1, 2, 3, 4, 1, 0, 0, -1});
  values["m.weight"] = test::bf16({2, 4}, Floats(8, 0));
  values["m.bias"] = test::bf16({2}, {0.5f, -1});
  values["m.lokr_w1"] = test::f32({2, 2}, {1, 2, 0, -1});
  values["m.lokr_w2"] = test::f32({1, 2}, {3, 1});
  values["dy"] = test::bf16({2, 2}, {1, 2, 0, 1});
  run_bit_exact(model.graph, values);
  // w2 . parts: (1, 2) -> 5, (3, 4) -> 13; (1, 0) -> 3, (0, -1) -> -1. Twice w1 of these.
  CHECK(test::floats(values["m.delta"]) == Floats{2 * (5 + 26), -26, 2 * (3 - 2), 2});
  CHECK(test::floats(values["y"]) == Floats{62.5f, -27, 2.5f, 1});
  // dw1 = 2 the sum over the tokens of dy^T (5, 13), (3, -1)
  CHECK(test::floats(values["m.lokr_w1_grad"]) == Floats{10, 26, 2 * (10 + 3), 2 * (26 - 1)});
  // The gradients of what w2 made of the parts: 2 w1^T dy = (2, 4 - 4), (0, -2)
  CHECK(test::floats(values["m.lokr_w2_grad"]) == Floats{2 * 1, 2 * 2 + 2});
  CHECK(test::floats(values["dx"]) == Floats{6, 2, 0, 0, 0, 0, -6, -2});
}

TEST_CASE("LoKr's matrices in whole models have derivatives that are central differences") {
  std::mt19937_64 generator(111);
  for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
    LokrPlan plan;
    std::size_t trained = 0;
    for (const Module& module : model.modules) {
      if (module.kind != ModuleKind::kLinear) continue;
      const Shape& weight = model.graph.value(module.weight).shape;
      const std::int64_t a = weight[0] % 3 == 0 ? 3 : 1;
      const bool w1 = plan.modules.size() % 2 == 1, w2 = plan.modules.size() % 3 == 1;
      plan.modules.push_back(
          {module.name, {4, 2, false}, {a, 4, weight[0] / a, weight[1] / 4, w1, w2}});
      trained += 2 + (w1 ? 1 : 0) + (w2 ? 1 : 0);
    }
    apply_lokr(model, plan);
    test::check_derivatives(model, trained, generator);
  }
}

TEST_CASE("LoKr refuses what is no linear, stands there twice, or has another size") {
  Transformer model = test::one_linear(1, 4, 2);
  const LokrShape shape{2, 2, 1, 2, false, false};
  CHECK_THROWS_WITH(apply_lokr(model, {{{"norm", {1, 1, false}, shape}}}),
                    Equals("LoKr: norm is no linear, which an adapter needs"));
  CHECK_THROWS_WITH(apply_lokr(model, {{{"m", {1, 1, false}, {2, 2, 1, 1, false, false}}}}),
                    Equals("LoKr: expected a Kronecker product of the size of m, [2, 4], found "
                           "[2, 2]"));
  CHECK_THROWS_WITH(apply_lokr(model, {{{"m", {1, 1, false}, shape}, {"m", {1, 1, false}, shape}}}),
                    Equals("m is listed twice as an adapter's module"));
}
