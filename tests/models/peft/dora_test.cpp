// DoRA: the norms of the adapted weights' rows are trained by themselves.
#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "models/graph/differentiate.h"
#include "models/peft/ia3.h"
#include "models/peft/lora.h"
#include "models/peft/trained_parameters.h"
#include "models/reference/bit_exact.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

using Floats = std::vector<float>;

LoraPlan dora(const std::vector<std::string>& modules, double dropout = 0, int rank = 1) {
  LoraPlan plan;
  for (const std::string& module : modules)
    plan.adapters.push_back({module, {2.0 * rank, rank, false}});
  plan.dropout = dropout;
  plan.trained_norms = true;
  return plan;
}

/// Two features, two tokens. W + s B A = [[3, 4], [0, 2]], whose rows have the norms 5 and 2.
TensorMap small_values() {
  TensorMap values;
  values["x"] = test::bf16({2, 2}, {1, 2, 4, -1});
  values["m.weight"] = test::bf16({2, 2}, {1, 0, -4, -6});
  values["m.bias"] = test::bf16({2}, {0.5f, -1});
  values["m.lora_A.weight"] = test::f32({1, 2}, {1, 2});
  values["m.lora_B.weight"] = test::f32({2, 1}, {1, 2});
  values["m.lora_magnitude_vector"] = test::f32({2}, {10, 1});
  values["dy"] = test::bf16({2, 2}, {1, 2, -1, 4});
  return values;
}

}  // namespace

TEST_CASE("A row of the adapted weight is divided by its norm and has the trained one") {
  Transformer model = test::one_linear(2, 2, 2);
  apply_lora(model, dora({"m"}));
  test::add_backward(model);
  TensorMap values = small_values();
  run_bit_exact(model.graph, values);
  CHECK(test::floats(values["m.adapted_weight"]) == Floats{3, 4, 0, 2});
  CHECK(test::floats(values["m.inverse_norms"]) == Floats{0.2f, 0.5f});
  CHECK(test::floats(values["m.norm_scale"]) == Floats{2, 0.5f});
  // x (W + s B A)^T = [[11, 4], [8, -2]]
  CHECK(test::floats(values["m.base"]) == Floats{11, 4, 8, -2});
  CHECK(test::floats(values["y"]) == Floats{22.5f, 1, 16.5f, -2});
  // dm = the sum over the tokens of dy * z, over the norm: (11 - 8) / 5, (8 - 8) / 2
  CHECK(test::floats(values["m.lora_magnitude_vector_grad"]) == Floats{3 * 0.2f, 0});
  // dz = dy * c = [[2, 1], [-2, 2]]; u = s x A^T = [10, 4]; dB = dz^T u
  CHECK(test::floats(values["m.lora_B.weight_grad"]) == Floats{12, 18});
  // du = s dz B = [8, 4]; dA = du^T x. The norms have no part in it.
  CHECK(test::floats(values["m.lora_A.weight_grad"]) == Floats{24, 12});
  // dx = dz W + du A = [[-2, -6], [-10, -12]] + [[8, 16], [4, 8]]
  CHECK(test::floats(values["dx"]) == Floats{6, 10, -6, -4});
}

TEST_CASE("With a dropout the adapter's part alone is of what is left of x") {
  Transformer model = test::one_linear(2, 2, 2);
  apply_lora(model, dora({"m"}, 0.5));
  TensorMap values = small_values();
  values["dropout_step"] = Tensor(DType::I64, {1});
  run_bit_exact(model.graph, values);
  const Floats x = {1, 2, 4, -1}, dropped = test::floats(values.at("m.dropped"));
  const Floats w = {1, 0, -4, -6}, adapted = {3, 4, 0, 2}, c = {2, 0.5f}, bias = {0.5f, -1};
  const Floats y = test::floats(values.at("y"));
  CHECK(dropped != x);
  for (std::size_t t = 0; t < 2; ++t) {
    for (std::size_t o = 0; o < 2; ++o) {
      const auto product = [&](const Floats& in, const Floats& weight) {
        return in[2 * t] * weight[2 * o] + in[2 * t + 1] * weight[2 * o + 1];
      };
      CHECK(y[2 * t + o] ==
            product(x, w) + bias[o] + c[o] * product(dropped, adapted) - product(dropped, w));
    }
  }
}

TEST_CASE("DoRA's gradients are those of a model whose norms are constants") {
  // A model with the same values in which c is given: central differences of the norms would not
  // be zero.
  std::mt19937_64 generator(61);
  for (const double dropout : {0.0, 0.25}) {
    Transformer model = test::random_bert(generator);
    std::vector<std::string> linears;
    for (const Module& module : model.modules)
      if (module.kind == ModuleKind::kLinear) linears.push_back(module.name);
    apply_lora(model, dora(linears, dropout, 3));
    std::size_t frozen = 0;
    std::vector<Op> ops;
    for (Op& op : model.graph.ops) {
      if (const auto* norms = std::get_if<InverseRowNorms>(&op)) {
        model.graph.value(norms->out).role = Role::kFrozen;
        ++frozen;
        continue;
      }
      ops.push_back(std::move(op));
    }
    model.graph.ops = std::move(ops);
    CHECK(frozen == linears.size());
    test::check_derivatives(model, 3 * linears.size(), generator);
  }
}

TEST_CASE("DoRA refuses an embedding, and a linear that another method has rewritten") {
  std::mt19937_64 generator(62);
  Transformer model = test::random_llama(generator);
  CHECK_THROWS_WITH(apply_lora(model, dora({"model.embed_tokens"})),
                    Equals("DoRA: model.embed_tokens is an embedding; it needs a linear"));
  Transformer scaled = test::one_linear(1, 1, 1);
  apply_ia3(scaled, {{{"m", false}}});
  CHECK_THROWS_WITH(
      apply_lora(scaled, dora({"m"})),
      Equals("DoRA: m is rewritten by another method; its weight's norms are those of "
             "a linear alone"));
}
