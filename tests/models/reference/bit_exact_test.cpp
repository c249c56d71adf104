#include "models/reference/bit_exact.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

const float kInfinity = INFINITY;
const float kNan = NAN;

/// F32 scale * (a . b^T) + bias, of one row each.
std::uint32_t dot(const Tensor& a, const Tensor& b, float scale = 1.0f,
                  std::optional<Tensor> bias = std::nullopt, DType dtype = DType::F32) {
  Graph graph;
  const ValueId left = add_value(graph, {"a", a.shape, DType::BF16, Role::kInput});
  const ValueId right = add_value(graph, {"b", b.shape, DType::BF16, Role::kInput});
  TensorMap values{{"a", a}, {"b", b}};
  std::optional<ValueId> bias_id;
  if (bias) {
    bias_id = add_value(graph, {"bias", bias->shape, bias->dtype, Role::kInput});
    values["bias"] = *bias;
  }
  add_contraction(graph, "out", {{left, false, right, true, {}}}, scale, bias_id, dtype,
                  Role::kResult);
  run_bit_exact(graph, values);
  return test::bits(values.at("out")).front();
}

std::uint32_t sum_of(const std::vector<float>& elements) {
  const Shape shape{1, static_cast<std::int64_t>(elements.size())};
  return dot(test::bf16(shape, elements),
             test::bf16(shape, std::vector<float>(elements.size(), 1.0f)));
}

std::uint32_t converted(std::uint32_t bits) {
  Graph graph;
  add_convert(graph, "out", add_value(graph, {"in", {1}, DType::F32, Role::kTrainable}));
  TensorMap values{{"in", test::f32({1}, {float_from_bits(bits)})}};
  run_bit_exact(graph, values);
  return test::bits(values.at("out")).front();
}

struct AdamWState {
  float parameter, gradient, first_moment, second_moment;
};

/// Bits of the new parameter, first and second moment of one element.
std::vector<std::uint32_t> adamw(const AdamWConstants& constants, const AdamWState& state,
                                 bool decays = true) {
  Graph graph;
  const auto add = [&](const char* name, Role role) {
    return add_value(graph, {name, {1}, DType::F32, role});
  };
  AdamW op;
  op.parameter = add("w", Role::kTrainable);
  op.gradient = add("g", Role::kInput);
  op.first_moment = add("m", Role::kState);
  op.second_moment = add("v", Role::kState);
  op.new_parameter = add("w.new", Role::kResult);
  op.new_first_moment = add("m.new", Role::kResult);
  op.new_second_moment = add("v.new", Role::kResult);
  op.constants = add_value(graph, {"c", {kAdamWConstants}, DType::F32, Role::kConstants});
  op.decays = decays;
  graph.ops.push_back(op);
  TensorMap values;
  values["w"] = test::f32({1}, {state.parameter});
  values["g"] = test::f32({1}, {state.gradient});
  values["m"] = test::f32({1}, {state.first_moment});
  values["v"] = test::f32({1}, {state.second_moment});
  values["c"] = tensor_of(constants);
  run_bit_exact(graph, values);
  return {test::bits(values.at("w.new")).front(), test::bits(values.at("m.new")).front(),
          test::bits(values.at("v.new")).front()};
}

AdamWState from_bits(std::uint32_t w, std::uint32_t g, std::uint32_t m, std::uint32_t v) {
  return {float_from_bits(w), float_from_bits(g), float_from_bits(m), float_from_bits(v)};
}

}  // namespace

TEST_CASE("a contraction is summed along ascending k, from the first term to the last") {
  const float big = 0x1p27f;  // its unit in the last place is 16: adding 1 is lost
  CHECK(sum_of({big, 1, -big}) == bits_of(0.0f));
  CHECK(sum_of({big, -big, 1}) == bits_of(1.0f));
  CHECK(sum_of({1, big, -big}) == bits_of(0.0f));
  CHECK(sum_of({big, 8, 8, -big}) == bits_of(0.0f));   // each 8 alone is a tie, to even
  CHECK(sum_of({8, 8, big, -big}) == bits_of(16.0f));  // together they are not

  // Over two terms: big and then -big + 1, in one chain, not (1 . 1) apart.
  Graph graph;
  const ValueId a = add_value(graph, {"a", {1, 1}, DType::BF16, Role::kInput});
  const ValueId b = add_value(graph, {"b", {1, 2}, DType::BF16, Role::kInput});
  const ValueId one = add_value(graph, {"one", {1, 1}, DType::BF16, Role::kInput});
  const ValueId ones = add_value(graph, {"ones", {1, 2}, DType::BF16, Role::kInput});
  add_contraction(graph, "ab", {{a, false, one, true, {}}, {b, false, ones, true, {}}}, 1.0f,
                  std::nullopt, DType::F32, Role::kResult);
  add_contraction(graph, "ba", {{b, false, ones, true, {}}, {a, false, one, true, {}}}, 1.0f,
                  std::nullopt, DType::F32, Role::kResult);
  TensorMap values{{"a", test::bf16({1, 1}, {big})},
                   {"b", test::bf16({1, 2}, {1, -big})},
                   {"one", test::bf16({1, 1}, {1})},
                   {"ones", test::bf16({1, 2}, {1, 1})}};
  run_bit_exact(graph, values);
  CHECK(test::floats(values["ab"]) == std::vector<float>{0});  // (big + 1) - big
  CHECK(test::floats(values["ba"]) == std::vector<float>{0});  // (1 - big) + big
  values["b"] = test::bf16({1, 2}, {-big, 1});
  run_bit_exact(graph, values);
  CHECK(test::floats(values["ab"]) == std::vector<float>{1});  // (big - big) + 1
  CHECK(test::floats(values["ba"]) == std::vector<float>{0});  // (-big + 1) + big
}

TEST_CASE("scale comes after the chain, bias after the scale, rounding to BF16 last") {
  const Tensor one = test::bf16({1, 1}, {1});
  const Tensor three = test::bf16({1, 1}, {3});
  CHECK(dot(one, three, 2.0f, test::f32({1}, {0.5f})) == bits_of(6.5f));
  CHECK(dot(one, three, 2.0f, test::bf16({1, 1}, {0.5f})) == bits_of(6.5f));
  // 1 + 2^-8 is a tie of BF16, to the even 1; with 2^-20 more, from the bias, it is above the tie.
  const Tensor wide = test::bf16({1, 2}, {1, 0x1p-8f});
  const Tensor ones = test::bf16({1, 2}, {1, 1});
  CHECK(dot(wide, ones, 1.0f, std::nullopt, DType::BF16) == 0x3F80);
  CHECK(dot(wide, ones, 1.0f, test::f32({1}, {0x1p-20f}), DType::BF16) == 0x3F81);
  // The scaled sum is rounded to FP32 before the bias is added: 3 * (1/3) rounds to 1.
  CHECK(dot(one, three, float_from_bits(0x3EAAAAAB), test::f32({1}, {-1.0f})) == bits_of(0.0f));
}

TEST_CASE("products are rounded by themselves, with subnormals flushed") {
  const Tensor one = test::bf16({1, 1}, {1});
  const Tensor smallest = test::bf16_bits({1, 1}, {0x0080});
  // -inf + (2^100 * 2^100 = inf) is a NaN; fused it would stay -inf.
  CHECK(dot(test::bf16({1, 2}, {-0x1p100f, 0x1p100f}), test::bf16({1, 2}, {0x1p100f, 0x1p100f})) ==
        kCanonicalNanFp32);
  // 2^-126 + (2^-70 * 2^-70 = 0); fused it would be 00800200.
  CHECK(dot(test::bf16({1, 2}, {0x1p-126f, 0x1p-70f}), test::bf16({1, 2}, {1, 0x1p-70f})) ==
        0x00800000);
  CHECK(dot(test::bf16_bits({1, 1}, {0x007F}), test::bf16({1, 1}, {0x1p100f})) == 0u);
  CHECK(dot(smallest, one, 0.5f) == 0u);
  CHECK(dot(smallest, one, -0.5f) == 0x80000000);
  // (1 - 2^-23)(1 + 2^-23) 2^-126 is tiny only before rounding: the smallest normal, not zero.
  CHECK(dot(test::bf16({1, 2}, {1, -0x1p-12f}), test::bf16({1, 2}, {1, 0x1p-11f}),
            float_from_bits(0x00800001)) == 0x00800000);
}

TEST_CASE("NaN, infinity and negative zero go through a contraction") {
  const Tensor one = test::bf16({1, 1}, {1});
  CHECK(dot(test::bf16_bits({1, 1}, {0xFFA5}), one) == kCanonicalNanFp32);
  CHECK(dot(test::bf16_bits({1, 1}, {0xFF81}), one, 1.0f, std::nullopt, DType::BF16) ==
        kCanonicalNanBf16);
  CHECK(sum_of({kNan, 1, 2}) == kCanonicalNanFp32);
  CHECK(sum_of({kInfinity, -kInfinity, 1}) == kCanonicalNanFp32);
  CHECK(sum_of({1, -kInfinity}) == bits_of(-kInfinity));
  CHECK(dot(test::bf16({1, 1}, {kInfinity}), test::bf16({1, 1}, {0})) == kCanonicalNanFp32);
  CHECK(dot(test::bf16({1, 1}, {0x1p127f}), test::bf16({1, 1}, {0x1p127f})) == bits_of(kInfinity));
  CHECK(dot(one, one, 1.0f, test::f32({1}, {-kNan})) == kCanonicalNanFp32);
  CHECK(sum_of({-0.0f}) == 0u);  // +0 + -0
  CHECK(dot(test::bf16({1, 1}, {0}), one, -1.0f) == 0x80000000);
  CHECK(dot(test::bf16({1, 1}, {0}), one, -1.0f, std::nullopt, DType::BF16) == 0x8000);
  CHECK(dot(test::bf16({1, 1}, {0}), one, 1.0f, test::f32({1}, {-0.0f})) == 0u);
}

TEST_CASE("a conversion rounds and a NaN becomes canonical") {
  CHECK(converted(0x3F818000) == 0x3F82);
  CHECK(converted(0xFFC12345) == 0x7FC0);
  CHECK(converted(0x80000001) == 0x8000);
  CHECK(converted(0x7F7FFFFF) == 0x7F80);
}

TEST_CASE("every element of every transposition equals a chain of multiply-accumulates") {
  const auto left = GENERATE(false, true);
  const auto right = GENERATE(false, true);
  const std::uint64_t seed = 7;
  INFO("seed " << seed);
  std::mt19937_64 generator(seed);
  const std::int64_t m = 5, k = 37, n = 19;
  Graph graph;
  const ValueId a =
      add_value(graph, {"a", left ? Shape{k, m} : Shape{m, k}, DType::BF16, Role::kInput});
  const ValueId b =
      add_value(graph, {"b", right ? Shape{n, k} : Shape{k, n}, DType::BF16, Role::kInput});
  add_contraction(graph, "c", {{a, left, b, right, {}}}, 1.0f, std::nullopt, DType::F32,
                  Role::kResult);
  TensorMap values = test::inputs_of(
      graph, [&](const Value& value) { return test::normal(generator, value.dtype, value.shape); });
  run_bit_exact(graph, values);
  const auto* a_data = values.at("a").data<std::uint16_t>();
  const auto* b_data = values.at("b").data<std::uint16_t>();
  const FloatEnvironment environment;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum = multiply_accumulate(sum, a_data[left ? l * m + i : i * k + l],
                                  b_data[right ? j * k + l : l * n + j]);
      }
      REQUIRE(bits_of(values.at("c").data<float>()[i * n + j]) == bits_of(sum));
    }
  }
}

TEST_CASE("an AdamW element worked out by hand") {
  // w = 2 * 1/2 = 1; m = 1 + 1/2 (2 - 1) = 3/2; v = 1/2 * 1/2 + (1/2 * 2) * 2 = 9/4;
  // d = (3/2) / (1/2) + 3/4 = 15/4; w = 1 - (3/4) / (15/4) = 1 - 0.2, rounded twice: 3F4CCCCD.
  const AdamWConstants halves{0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.75f, -0.5f};
  CHECK(adamw(halves, {2, 2, 1, 0.5f}) ==
        std::vector<std::uint32_t>{0x3F4CCCCD, bits_of(1.5f), bits_of(2.25f)});
}

TEST_CASE("AdamW rounds every operation by itself, in the documented order") {
  // Default options at step 10; expected bits from exact rational arithmetic with a rounding after
  // each operation, outside this program. A fused multiply-add would change the first moment of the
  // second case (3AC49BA7) and the second moment of the fourth (3E997397); c (g g) for (c g) g the
  // second moment of the fifth.
  const AdamWConstants c{float_from_bits(0x3F7FFF58), float_from_bits(0x3DCCCCCD),
                         float_from_bits(0x3F7FBE77), float_from_bits(0x3A83126F),
                         float_from_bits(0x3DCC5704), float_from_bits(0x322BCC77),
                         float_from_bits(0xBAC93D76)};
  using Bits = std::vector<std::uint32_t>;
  CHECK(adamw(c, from_bits(0x3F333333, 0x3E99999A, 0x3DCCCCCD, 0x3CA3D70A)) ==
        Bits{0x3F332A3C, 0x3DF5C290, 0x3CA469D7});
  CHECK(adamw(c, from_bits(0xBFA00000, 0xBB449BA6, 0x3B03126F, 0x3727C5AC)) ==
        Bits{0xBFA001F9, 0x3AC49BA6, 0x3727C161});
  CHECK(adamw(c, from_bits(0x3D4CCCCD, 0x39324207, 0xB7FBA882, 0x3189705F)) ==
        Bits{0x3D4CE599, 0xB727C5AC, 0x318A4B65});
  CHECK(adamw(c, from_bits(0x3E99999A, 0x3DCCCCCD, 0x3E4CCCCD, 0x3E99999A)) ==
        Bits{0x3E99923D, 0x3E428F5C, 0x3E997398});
  CHECK(adamw(c, from_bits(0xBFB9999A, 0xBF91EB85, 0x3E428F5C, 0x3B03126F)) ==
        Bits{0xBFB99E1C, 0x3D6978D4, 0x3B581C8C});
}

TEST_CASE("AdamW without weight decay leaves the decay out, and NaNs are canonical") {
  const AdamWConstants no_decay{3.0f, 0.5f, 0.5f, 0.5f, 0.5f, 0.75f, -0.5f};
  CHECK(adamw(no_decay, {2, 2, 1, 0.5f}, false).front() == bits_of(1.8f));
  CHECK(adamw(no_decay, {2, -kNan, 1, 0.5f}, false) ==
        std::vector<std::uint32_t>(3, kCanonicalNanFp32));
  const AdamWConstants no_epsilon{1.0f, 0.5f, 0.5f, 0.5f, 0.5f, 0.0f, -0.5f};
  CHECK(adamw(no_epsilon, {2, 0, 0, 0}) ==
        std::vector<std::uint32_t>{kCanonicalNanFp32, 0, 0});                 // 0 / 0
  CHECK(adamw(no_decay, {2, 0, 1, -1}, false).front() == kCanonicalNanFp32);  // the root of -1/2
}

TEST_CASE("a missing or misshapen input is named, with what was expected") {
  Graph graph;
  const ValueId x = add_value(graph, {"x", {2, 3}, DType::BF16, Role::kInput});
  add_contraction(graph, "y", {{x, false, x, true, {}}}, 1.0f, std::nullopt, DType::F32,
                  Role::kResult);
  TensorMap values;
  CHECK_THROWS_WITH(run_bit_exact(graph, values),
                    Equals("x: expected BF16 [2, 3], found no such tensor"));
  values["x"] = Tensor(DType::BF16, {3, 2});
  CHECK_THROWS_WITH(run_bit_exact(graph, values),
                    Equals("x: expected BF16 [2, 3], found BF16 [3, 2]"));
  values["x"] = Tensor(DType::F32, {2, 3});
  CHECK_THROWS_WITH(run_bit_exact(graph, values),
                    Equals("x: expected BF16 [2, 3], found F32 [2, 3]"));
  values["x"] = Tensor(DType::BF16, {2, 3});
  values["x"].bytes.resize(11);
  CHECK_THROWS_WITH(run_bit_exact(graph, values),
                    Equals("x: expected BF16 [2, 3], found 11 bytes"));
}
