#include "models/peft/lora.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/reference/bit_exact.h"
#include "models/reference/fp64.h"
#include "tests/models/peft/adapted_models.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

/// y = x . weight^T + bias
Graph linear_graph(std::int64_t tokens, std::int64_t in, std::int64_t out) {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {tokens, in}, DType::BF16, Role::kInput});
  const ValueId weight = add_value(graph, {"weight", {out, in}, DType::BF16, Role::kFrozen});
  const ValueId bias = add_value(graph, {"bias", {out}, DType::F32, Role::kFrozen});
  add_contraction(graph, "y", {{x, false, weight, true, {}}}, 1.0f, bias, DType::BF16,
                  Role::kResult);
  return graph;
}

}  // namespace

TEST_CASE("the scale is alpha / r, or alpha / sqrt(r) for rsLoRA") {
  CHECK(scale_of({16, 8, false}) == 2.0f);
  CHECK(bits_of(scale_of({16, 3, false})) == 0x40AAAAAB);  // 16 / 3
  CHECK(bits_of(scale_of({16, 8, true})) == 0x40B504F3);   // 16 / sqrt(8) = 4 sqrt(2)
  CHECK(scale_of({16, 4, true}) == 8.0f);
  CHECK_THROWS_WITH(scale_of({16, 0, false}),
                    Equals("LoRA: expected a rank of at least 1, found 0"));
  CHECK_THROWS_AS(scale_of({1e300, 1, false}), InputError);
}

TEST_CASE("the scale of rsLoRA reaches u") {
  Graph graph = linear_graph(1, 1, 1);
  const LoraValues lora = wrap_with_lora(graph, *find_value(graph, "y"), {2, 4, true}, "");
  TensorMap values;
  values["x"] = test::bf16({1, 1}, {3});
  values["weight"] = test::bf16({1, 1}, {1});
  values["bias"] = test::f32({1}, {0});
  values["lora_A"] = test::f32({4, 1}, {1, 2, 0, -1});
  values["lora_B"] = test::f32({1, 4}, {1, 1, 1, 0});
  run_bit_exact(graph, values);
  CHECK(graph.value(lora.scaled_u).name == "u");
  CHECK(test::floats(values["u"]) == std::vector<float>{3, 6, 0, -3});  // alpha / sqrt(r) = 1
  CHECK(test::floats(values["y"]) == std::vector<float>{12});
}

TEST_CASE("LoRA adds its ops before the linear and its term to the linear's chain") {
  Graph graph = linear_graph(5, 4, 3);
  const ValueId y = *find_value(graph, "y");
  const LoraValues lora = wrap_with_lora(graph, y, {4, 2, false}, "q.");
  REQUIRE_NOTHROW(check(graph));
  CHECK(graph.value(lora.a).name == "q.lora_A");
  CHECK(graph.value(lora.a).shape == Shape{2, 4});
  CHECK(graph.value(lora.a).role == Role::kTrainable);
  CHECK(graph.value(lora.b).shape == Shape{3, 2});
  CHECK(graph.value(lora.a_operand).dtype == DType::BF16);
  REQUIRE(graph.ops.size() == 4);
  const auto& down = std::get<Contraction>(graph.ops[2]);
  CHECK(down.out == lora.scaled_u);
  CHECK(down.scale == 2.0f);
  CHECK(to_string(down.terms.front().kind) == "adapter down forward");
  const auto& linear = std::get<Contraction>(graph.ops[3]);
  REQUIRE(linear.terms.size() == 2);
  CHECK(linear.terms[1].left == lora.scaled_u);
  CHECK(linear.terms[1].right == lora.b_operand);
  CHECK(linear.terms[1].right_transposed);
  CHECK(to_string(linear.terms[1].kind) == "adapter up forward");
  CHECK(linear.scale == 1.0f);
}

TEST_CASE("in FP64 the wrapped linear is the linear with the merged weight W + s B A") {
  const auto seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  std::mt19937_64 generator(seed);
  Graph graph = linear_graph(7, 9, 5);
  wrap_with_lora(graph, *find_value(graph, "y"), {3, 2, false}, "");
  const TensorMap inputs = test::inputs_of(
      graph, [&](const Value& value) { return test::normal(generator, value.dtype, value.shape); });
  const auto values = run_fp64(graph, inputs, {}).values;
  const MatrixFp64 merged = values.at("weight") + 1.5 * values.at("lora_B") * values.at("lora_A");
  const MatrixFp64 expected =
      (values.at("x") * merged.transpose()).rowwise() + values.at("bias").row(0);
  CHECK((values.at("y") - expected).norm() <= 1e-12 * expected.norm());
}

TEST_CASE("LoRA refuses what is not a linear") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {2, 2}, DType::BF16, Role::kInput});
  const ValueId w = add_value(graph, {"W", {2, 2}, DType::BF16, Role::kFrozen});
  const ValueId master = add_value(graph, {"m", {2, 2}, DType::F32, Role::kTrainable});
  const ValueId copy = add_convert(graph, "copy", master);
  const auto contraction = [&](const std::string& name, const Term& term, float scale) {
    return add_contraction(graph, name, {term}, scale, std::nullopt, DType::BF16,
                           Role::kIntermediate);
  };
  const ValueId plain = contraction("plain", {x, false, w, false, {}}, 1.0f);
  const ValueId scores = contraction("scores", {x, false, x, true, {}}, 1.0f);
  const ValueId scaled = contraction("scaled", {x, false, w, true, {}}, 2.0f);
  const std::size_t ops = graph.ops.size();
  const LoraScale lora{2, 2, false};
  const std::string is = ": LoRA wraps a linear, but ";
  CHECK_THROWS_WITH(wrap_with_lora(graph, x, lora, ""),
                    Equals("x" + is + "no op computes this value"));
  CHECK_THROWS_WITH(wrap_with_lora(graph, copy, lora, ""),
                    Equals("copy" + is + "this value is no contraction"));
  CHECK_THROWS_WITH(wrap_with_lora(graph, plain, lora, ""),
                    Equals("plain" + is + "the first term is not x . W^T"));
  CHECK_THROWS_WITH(wrap_with_lora(graph, scores, lora, ""),
                    Equals("scores" + is + "x is not a frozen weight"));
  CHECK_THROWS_WITH(wrap_with_lora(graph, scaled, lora, ""),
                    Equals("scaled" + is + "this contraction has a scale"));
  CHECK(graph.ops.size() == ops);
}

TEST_CASE("With A frozen no gradient of it is computed, and u alone is kept for the adapter") {
  const auto account = [](bool frozen_down) {
    Transformer model = test::one_linear(8, 3, 5);
    // x is computed here: what is given is no stash.
    Graph& graph = model.graph;
    const ValueId given = add_value(graph, {"given", {8, 3}, DType::BF16, Role::kInput});
    graph.value(model.modules[0].in).role = Role::kIntermediate;
    GraphRewriter(graph).insert_first([&] {
      graph.ops.push_back(Scale{given, model.modules[0].in, 2.0f});
    });
    LoraPlan plan{{{"m", {4, 2, false}}}, 0, 0, frozen_down};
    apply_lora(model, plan);
    const std::size_t forward_ops = graph.ops.size();
    const ValueId dy = add_value(graph, {"dy", {8, 5}, DType::BF16, Role::kInput});
    differentiate(graph, {{{model.modules[0].out, dy}}, {}, {}});
    return account_of(graph, forward_ops, 2);
  };
  CHECK(account(false).adapter_stash_bytes == 8 * (3 + 2) * 2);  // x and u
  CHECK(account(true).adapter_stash_bytes == 8 * 2 * 2);
  CHECK(account(true).trainable_elements == 5 * 2);
  // The linear; u and u B^T; dB. Nothing trained lies below A, so that du is not needed either.
  CHECK(account(true).total_macs == 8 * 3 * 5 + 8 * 2 * (3 + 5) + 8 * 2 * 5);
}

TEST_CASE("Whole models with A frozen have derivatives that are central differences") {
  std::mt19937_64 generator(51);
  for (Transformer model : {test::random_llama(generator), test::random_bert(generator)}) {
    LoraPlan plan;
    plan.frozen_down = true;
    for (const Module& module : model.modules)
      if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {6, 3, false}});
    apply_lora(model, plan);
    test::check_derivatives(model, plan.adapters.size(), generator);
  }
}
