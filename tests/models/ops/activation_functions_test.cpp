// The activation functions in FP32 against FP64, and how many instructions of the vector unit they
// are. Their slopes in FP64 are tested by central differences (derivative_test.cpp).
#include "models/ops/activation_functions.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "models/base/numerics.h"
#include "models/ops/cross_entropy.h"
#include "models/ops/softmax.h"
#include "tests/models/numerics/counted.h"

using namespace corank;
using test::Counted;
using test::Counts;

namespace {

/// Of a beat, with an instruction for each stream that is read or written.
template <class Body>
int cycles_of(int streams, const Body& body) {
  Counts counts;
  const Counted x(counts), y(counts), z(counts);
  body(x, y, z);
  return counts.cycles() + streams;
}

template <class Function>
void check_fp32(double most_error, double most_slope_error, float end) {
  const FloatEnvironment environment;
  double worst = 0, worst_slope = 0;
  for (int i = 0; i < 0x10000; ++i) {
    const float x = widen(static_cast<std::uint16_t>(i));
    if (!(std::fabs(x) <= end)) continue;
    const double scale = std::max(1.0, std::abs(static_cast<double>(x)));
    const auto value = static_cast<double>(activated<Function>(x));
    const auto slope = static_cast<double>(activation_slope<Function>(x));
    const auto wide = static_cast<double>(x);
    worst = std::max(worst, std::abs(value - activated<Function>(wide)) / scale);
    worst_slope = std::max(worst_slope, std::abs(slope - activation_slope<Function>(wide)));
  }
  CHECK(worst <= most_error);
  CHECK(worst_slope <= most_slope_error);
}

}  // namespace

TEST_CASE("activations and their slopes in FP32 are near those in FP64, for every BF16 number") {
  // Slopes: s or t^2 near 1 is off by 2^-25 or more, and x multiplies what is left of 1.
  check_fp32<Silu>(2e-7, 1.5e-6, 1e30f);
  check_fp32<GeluErf>(2e-7, 1.5e-6, 1e30f);
  check_fp32<GeluTanh>(2e-7, 1.5e-6, 1e10f);
  check_fp32<Tanh>(2e-7, 2e-7, 1);  // the slope is that of a result
  check_fp32<Relu>(0, 0, 1e30f);
}

TEST_CASE("the gradients of a gated activation are those of its function and of up") {
  const FloatEnvironment environment;
  const GatedGradients<float> gradients = gated_gradients<Silu>(3.0f, 0.5f, 2.0f);
  CHECK(gradients.gate == 6.0f * activation_slope<Silu>(0.5f));
  CHECK(gradients.up == 3.0f * activated<Silu>(0.5f));
}

TEST_CASE("a rectified slope is 1 above zero and of a NaN, and 0 elsewhere") {
  const FloatEnvironment environment;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float x : {0x1p-126f, 2.0f, infinity, -std::nanf("")})
    CHECK(activation_slope<Relu>(x) == 1.0f);
  for (const float x : {0.0f, -0.0f, 0x1p-127f, -1.0f, -infinity})
    CHECK(bits_of(activation_slope<Relu>(x)) == 0);
}

TEST_CASE("elements of the non-linear ops are bodies of few enough instructions") {
  // Cycles a beat, loads and stores included.
  CHECK(cycles_of(2, [](auto& x, auto&, auto&) { return exponential(x); }) == 16);
  CHECK(cycles_of(3, [](auto& x, auto& up, auto&) { return activated<Silu>(x) * up; }) == 34);
  CHECK(cycles_of(5, [](auto& x, auto& up, auto& g) { return gated_gradients<Silu>(g, x, up); }) ==
        58);
  CHECK(cycles_of(2, [](auto& x, auto&, auto&) { return activated<GeluErf>(x); }) == 37);
  CHECK(cycles_of(3, [](auto& x, auto& g, auto&) { return g * activation_slope<GeluErf>(x); }) ==
        56);
  CHECK(cycles_of(2, [](auto& x, auto&, auto&) { return activated<GeluTanh>(x); }) == 46);
  CHECK(cycles_of(3, [](auto& x, auto& g, auto&) { return g * activation_slope<GeluTanh>(x); }) ==
        55);
  CHECK(cycles_of(2, [](auto& x, auto&, auto&) { return activated<Tanh>(x); }) == 39);
  CHECK(cycles_of(3, [](auto& p, auto& g, auto&) { return g * activation_slope<Tanh>(p); }) == 6);
  CHECK(cycles_of(2, [](auto& x, auto&, auto&) { return activated<Relu>(x); }) == 3);
  CHECK(cycles_of(3, [](auto& x, auto& g, auto&) { return g * activation_slope<Relu>(x); }) == 8);
  CHECK(cycles_of(2, [](auto& score, auto& largest, auto& hidden) {
          return exponential(masked(hidden, score) - largest);
        }) == 18);
  CHECK(cycles_of(2, [](auto& e, auto& inverse, auto& is_label) {
          return cross_entropy_slope(e, inverse, is_label, 0.5f);
        }) == 6);
}
