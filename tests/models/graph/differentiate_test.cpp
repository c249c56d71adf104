#include "models/graph/differentiate.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/peft/lora.h"
#include "models/reference/bit_exact.h"
#include "models/reference/fp64.h"
#include "tests/models/graph/random_graph.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

const GemmKind kFrozenForward{Part::kFrozen, Pass::kForward};

ValueId input(Graph& graph, const std::string& name, const Shape& shape) {
  return add_value(graph, {name, shape, DType::BF16, Role::kInput});
}

ValueId frozen(Graph& graph, const std::string& name, const Shape& shape) {
  return add_value(graph, {name, shape, DType::BF16, Role::kFrozen});
}

ValueId linear(Graph& graph, const std::string& name, ValueId x, ValueId weight) {
  return add_contraction(graph, name, {{x, false, weight, true, kFrozenForward}}, 1.0f,
                         std::nullopt, DType::BF16, Role::kIntermediate);
}

/// "y = 2 * (dy . B + dv . x^T) BF16": a contraction in words, to compare whole ops at once.
std::string text_of(const Graph& graph, const Op& op) {
  if (const auto* add = std::get_if<Add>(&op)) {
    return graph.value(add->out).name + " = " + graph.value(add->left).name + " + " +
           graph.value(add->right).name + " " + name_of(graph.value(add->out).dtype);
  }
  const auto& contraction = std::get<Contraction>(op);
  const Value& out = graph.value(contraction.out);
  std::string text = out.name + " = " + std::to_string(contraction.scale).substr(0, 3) + " * (";
  for (const Term& term : contraction.terms) {
    if (&term != &contraction.terms.front()) text += " + ";
    text += graph.value(term.left).name + (term.left_transposed ? "^T" : "") + " . " +
            graph.value(term.right).name + (term.right_transposed ? "^T" : "");
  }
  return text + ") " + name_of(out.dtype);
}

std::vector<std::string> backward_ops(Graph& graph, const DifferentiateRequest& request) {
  const std::size_t forward = graph.ops.size();
  differentiate(graph, request);
  check(graph);
  std::vector<std::string> texts;
  for (std::size_t i = forward; i < graph.ops.size(); ++i) {
    texts.push_back(text_of(graph, graph.ops[i]));
  }
  return texts;
}

/// Gives every output of a random graph a gradient, appends the backward pass, and runs both
/// references.
struct BothGradients {
  std::map<std::string, Tensor> bit_exact;  // by name of the forward value
  Fp64Result fp64;
};

template <class Fill>
BothGradients run_both(const test::RandomGraph& random, Fill fill) {
  Graph graph = random.graph;
  DifferentiateRequest request;
  request.wanted = random.wanted;
  for (const ValueId id : random.outputs) {
    const Value& value = graph.value(id);
    request.output_gradients[id] =
        add_value(graph, {"d" + value.name + ".given", value.shape, DType::BF16, Role::kInput});
  }
  TensorMap tensors = test::inputs_of(graph, fill);
  std::map<std::string, Tensor> output_gradients;
  for (const auto& [id, gradient] : request.output_gradients) {
    output_gradients[graph.value(id).name] = tensors.at(graph.value(gradient).name);
  }
  BothGradients result;
  result.fp64 = run_fp64(random.graph, tensors, output_gradients);
  const auto gradients = differentiate(graph, request);
  run_bit_exact(graph, tensors);
  for (std::size_t i = 0; i < random.graph.values.size(); ++i) {
    const auto found = gradients.find(static_cast<ValueId>(i));
    const Role role = graph.values[i].role;
    const bool leaf = role == Role::kTrainable || role == Role::kInput;
    if (leaf && found != gradients.end()) {
      result.bit_exact[graph.values[i].name] = tensors.at(graph.value(found->second).name);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("the backward pass of a LoRA linear is du, B's gradient, dx and A's gradient") {
  Graph graph;
  const ValueId x = input(graph, "x", {5, 4});
  const ValueId dy = input(graph, "dy", {5, 3});
  const ValueId y = linear(graph, "y", x, frozen(graph, "W", {3, 4}));
  wrap_with_lora(graph, y, {4, 2, false}, "");
  const std::size_t forward = graph.ops.size();
  CHECK(backward_ops(graph, {{{y, dy}}, {x}, {}}) ==
        std::vector<std::string>{
            "lora_B_grad = 1.0 * (dy^T . u) F32", "du = 2.0 * (dy . lora_B.bf16) BF16",
            "dx = 1.0 * (dy . W + du . lora_A.bf16) BF16", "lora_A_grad = 1.0 * (du^T . x) F32"});
  std::vector<std::string> kinds;
  for (std::size_t i = forward; i < graph.ops.size(); ++i) {
    for (const Term& term : std::get<Contraction>(graph.ops[i]).terms) {
      kinds.push_back(to_string(term.kind));
    }
  }
  CHECK(kinds == std::vector<std::string>{"adapter up weight gradient", "adapter up input gradient",
                                          "frozen input gradient", "adapter down input gradient",
                                          "adapter down weight gradient"});
  CHECK(graph.value(*find_value(graph, "du")).role == Role::kIntermediate);
  for (const char* name : {"dx", "lora_A_grad", "lora_B_grad"}) {
    CHECK(graph.value(*find_value(graph, name)).role == Role::kResult);
  }
}

TEST_CASE("a frozen value gets no gradient and dx is made only where it is wanted or needed") {
  Graph graph;
  const ValueId x = input(graph, "x", {5, 4});
  const ValueId y = linear(graph, "y", x, frozen(graph, "W", {3, 4}));
  const ValueId dy = input(graph, "dy", {5, 3});

  SECTION("nothing trainable, nothing wanted: no op") {
    CHECK(backward_ops(graph, {{{y, dy}}, {}, {}}).empty());
  }
  SECTION("nothing trainable, dx wanted: one product") {
    CHECK(backward_ops(graph, {{{y, dy}}, {x}, {}}) ==
          std::vector<std::string>{"dx = 1.0 * (dy . W) BF16"});
  }
  SECTION("an adapter, dx not wanted: no dx") {
    wrap_with_lora(graph, y, {2, 2, false}, "");
    CHECK(backward_ops(graph, {{{y, dy}}, {}, {}}) ==
          std::vector<std::string>{"lora_B_grad = 1.0 * (dy^T . u) F32",
                                   "du = 1.0 * (dy . lora_B.bf16) BF16",
                                   "lora_A_grad = 1.0 * (du^T . x) F32"});
  }
}

TEST_CASE("the backward pass goes no lower than the lowest trainable value") {
  Graph graph;
  const ValueId x = input(graph, "x", {5, 4});
  const ValueId h = linear(graph, "h", x, frozen(graph, "V", {6, 4}));
  const ValueId y = linear(graph, "y", h, frozen(graph, "W", {3, 6}));
  const ValueId dy = input(graph, "dy", {5, 3});

  SECTION("adapter on the upper linear: no dh") {
    wrap_with_lora(graph, y, {2, 2, false}, "");
    CHECK(backward_ops(graph, {{{y, dy}}, {}, {}}).size() == 3);
    CHECK_FALSE(find_value(graph, "dh").has_value());
  }
  SECTION("adapter on the lower linear: dh through the frozen upper one") {
    wrap_with_lora(graph, h, {2, 2, false}, "");
    CHECK(backward_ops(graph, {{{y, dy}}, {}, {}}) ==
          std::vector<std::string>{"dh = 1.0 * (dy . W) BF16", "lora_B_grad = 1.0 * (dh^T . u) F32",
                                   "du = 1.0 * (dh . lora_B.bf16) BF16",
                                   "lora_A_grad = 1.0 * (du^T . x) F32"});
  }
}

TEST_CASE("two adapted linears on one x share one chain for dx, the later consumer first") {
  Graph graph;
  const ValueId x = input(graph, "x", {5, 4});
  const ValueId q = linear(graph, "q", x, frozen(graph, "Wq", {3, 4}));
  const ValueId v = linear(graph, "v", x, frozen(graph, "Wv", {2, 4}));
  const ValueId dq = input(graph, "dq", {5, 3});
  const ValueId dv = input(graph, "dv", {5, 2});
  wrap_with_lora(graph, q, {2, 2, false}, "q.");
  wrap_with_lora(graph, v, {2, 2, false}, "v.");
  const auto ops = backward_ops(graph, {{{q, dq}, {v, dv}}, {x}, {}});
  CHECK(ops.size() == 7);
  CHECK(std::count(ops.begin(), ops.end(),
                   "dx = 1.0 * (dv . Wv + v.du . v.lora_A.bf16 + dq . Wq + q.du . q.lora_A.bf16) "
                   "BF16") == 1);
}

TEST_CASE("a product of two computed values differentiates both, with every transposition") {
  // d(op(L) op(R)): the four cases of the textbook, from C = L R, dL = G R^T, dR = L^T G.
  const auto left = GENERATE(false, true);
  const auto right = GENERATE(false, true);
  Graph graph;
  const ValueId a = input(graph, "a", left ? Shape{3, 2} : Shape{2, 3});
  const ValueId b = input(graph, "b", right ? Shape{4, 3} : Shape{3, 4});
  const ValueId g = input(graph, "g", {2, 4});
  const ValueId c = add_contraction(graph, "c", {{a, left, b, right, {}}}, 1.0f, std::nullopt,
                                    DType::BF16, Role::kResult);
  const std::string da = left ? (right ? "b^T . g^T" : "b . g^T") : (right ? "g . b" : "g . b^T");
  const std::string db = right ? (left ? "g^T . a^T" : "g^T . a") : (left ? "a . g" : "a^T . g");
  CHECK(backward_ops(graph, {{{c, g}}, {a, b}, {}}) ==
        std::vector<std::string>{"da = 1.0 * (" + da + ") BF16", "db = 1.0 * (" + db + ") BF16"});
}

TEST_CASE("a value that is both operands of a product gets both contributions") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId g = input(graph, "g", {2, 2});
  const ValueId s = add_contraction(graph, "s", {{x, false, x, true, {}}}, 1.0f, std::nullopt,
                                    DType::BF16, Role::kResult);
  CHECK(backward_ops(graph, {{{s, g}}, {x}, {}}) ==
        std::vector<std::string>{"dx = 1.0 * (g . x + g^T . x) BF16"});
}

TEST_CASE("a given gradient of a scaled value gets the scale in the products that it feeds") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId w = frozen(graph, "W", {4, 3});
  const ValueId g = input(graph, "g", {2, 4});
  const ValueId y = add_contraction(graph, "y", {{x, false, w, true, {}}}, 0.5f, std::nullopt,
                                    DType::BF16, Role::kResult);
  SECTION("alone") {
    CHECK(backward_ops(graph, {{{y, g}}, {x}, {}}) ==
          std::vector<std::string>{"dx = 0.5 * (g . W) BF16"});
  }
  SECTION("beside one with another scale: a chain for each, and their sum") {
    const ValueId z = linear(graph, "z", x, w);
    CHECK(backward_ops(graph, {{{y, g}, {z, g}}, {x}, {}}) ==
          std::vector<std::string>{"dx.products = 1.0 * (g . W) F32",
                                   "dx.products.2 = 0.5 * (g . W) F32",
                                   "dx = dx.products + dx.products.2 BF16"});
  }
}

TEST_CASE("what cannot be differentiated is refused by name") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId w = frozen(graph, "W", {3, 3});
  const ValueId g = input(graph, "g", {2, 3});
  const ValueId small = input(graph, "small", {1, 3});
  const ValueId h = linear(graph, "h", x, w);
  const ValueId y = linear(graph, "y", h, w);

  CHECK_THROWS_WITH(differentiate(graph, {{{y, small}}, {x}, {}}),
                    Equals("small: expected BF16 [2, 3] as the gradient of y, found BF16 [1, 3]"));
  CHECK_THROWS_WITH(differentiate(graph, {{{x, g}}, {x}, {}}),
                    Equals("x: a gradient is given for it, but no op computes it"));
  CHECK_THROWS_WITH(differentiate(graph, {{{y, g}}, {w}, {}}),
                    Equals("W: its gradient is wanted, but it is not an input"));
  CHECK_THROWS_WITH(differentiate(graph, {{{y, g}, {h, g}}, {x}, {}}),
                    Equals("h: has a given gradient and consumers with gradients; their sum is "
                           "not supported"));

  Graph biased;
  const ValueId bx = input(biased, "x", {2, 3});
  const ValueId bg = input(biased, "g", {2, 2});
  const ValueId bias = add_value(biased, {"bias", {2}, DType::F32, Role::kTrainable});
  const ValueId by = add_contraction(biased, "y", {{bx, false, bx, true, {}}}, 0.5f, bias,
                                     DType::BF16, Role::kResult);
  CHECK_THROWS_WITH(
      differentiate(biased, {{{by, bg}}, {}, {}}),
      Equals("bias: the gradient of a bias of a scaled contraction is not supported"));
}

TEST_CASE("a trainable value that no given gradient reaches has no gradient") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId y = linear(graph, "y", x, frozen(graph, "W", {4, 3}));
  const ValueId z = linear(graph, "z", x, frozen(graph, "V", {4, 3}));
  const LoraValues lora = wrap_with_lora(graph, z, {1, 1, false}, "");
  const ValueId g = input(graph, "g", {2, 4});
  const auto gradients = differentiate(graph, {{{y, g}}, {x}, {}});
  CHECK(gradients.count(lora.a) == 0);
  CHECK(gradients.at(y) == g);
  CHECK(graph.value(gradients.at(x)).name == "dx");
}

TEST_CASE("gradients of random graphs agree with the FP64 reference's own rules") {
  const auto seed = GENERATE(range(1, 41));
  INFO("seed " << seed);
  std::mt19937_64 generator(static_cast<std::uint64_t>(seed));
  const auto random = test::random_graph(generator, 1 + seed % 4, 24);
  const BothGradients both = run_both(random, [&](const Value& value) {
    return test::normal(generator, value.dtype, value.shape);
  });
  for (const auto& [name, gradient] : both.bit_exact) {
    INFO("gradient of " << name);
    CHECK(error_against(gradient, both.fp64.gradients.at(name)).relative_frobenius <= 0x1p-7);
  }
}

TEST_CASE("where nothing needs rounding, gradients of random graphs equal the FP64 ones exactly") {
  // Entries of -1, 0 and 1 in small matrices: as long as every FP64 value and gradient is a BF16
  // value, every chain is exact too, so that a wrong rule, a lost or a repeated term cannot hide
  // behind a tolerance.
  const auto is_bf16 = [](const MatrixFp64& matrix) {
    for (const double element : matrix.reshaped()) {
      if (double{widen(round_to_bf16(static_cast<float>(element)))} != element) return false;
    }
    return true;
  };
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 generator(seed);
    const auto random = test::random_graph(generator, 1 + static_cast<int>(seed % 5), 3);
    const BothGradients both = run_both(random, [&](const Value& value) {
      std::vector<float> elements(static_cast<std::size_t>(element_count(value.shape)));
      for (float& element : elements) element = static_cast<float>(generator() % 3) - 1.0f;
      return value.dtype == DType::F32 ? test::f32(value.shape, elements)
                                       : test::bf16(value.shape, elements);
    });
    bool exact = true;
    for (const auto& [name, value] : both.fp64.values) exact = exact && is_bf16(value);
    for (const auto& [name, gradient] : both.fp64.gradients) exact = exact && is_bf16(gradient);
    if (!exact) continue;
    for (const auto& [name, gradient] : both.bit_exact) {
      INFO("gradient of " << name);
      REQUIRE(error_against(gradient, both.fp64.gradients.at(name)).relative_frobenius == 0);
      ++compared;
    }
    // And none is missing: what FP64 reaches of the trainable and wanted values is there.
    for (const auto& [name, gradient] : both.fp64.gradients) {
      const Role role = random.graph.value(*find_value(random.graph, name)).role;
      if (role == Role::kTrainable || role == Role::kInput) {
        REQUIRE(both.bit_exact.count(name) == 1);
      }
    }
  }
  CHECK(compared >= 300);  // the check above is not empty
}
