#include "host/train/gradients.h"

#include <catch2/catch.hpp>

using namespace corank;

namespace {

Tensor vector(const std::vector<float>& elements) {
  Tensor tensor(DType::F32, {static_cast<std::int64_t>(elements.size())});
  std::copy(elements.begin(), elements.end(), tensor.data<float>());
  return tensor;
}

}  // namespace

TEST_CASE("The global norm is one over all tensors") {
  CHECK(global_norm({{"a", vector({3, 0})}, {"b", vector({-4})}, {"c", vector({12})}}) == 13);
}

TEST_CASE("Clipping scales every tensor by the same factor, and only down") {
  TensorMap gradients = {{"a", vector({3, 0})}, {"b", vector({-4})}};
  CHECK(clip_global_norm(gradients, 10) == 5);
  CHECK(gradients.at("b").data<float>()[0] == -4);
  CHECK(clip_global_norm(gradients, 1) == 5);
  // 1 / (5 + 1e-6)
  CHECK(gradients.at("a").data<float>()[0] == Approx(0.59999988).epsilon(1e-7));
  CHECK(gradients.at("b").data<float>()[0] == Approx(-0.79999984).epsilon(1e-7));
}

TEST_CASE("Micro-batches add up by their shares") {
  TensorMap sum;
  accumulate(sum, {{"a", vector({4, 8})}}, 0.25);
  accumulate(sum, {{"a", vector({-2, 1})}}, 0.5);
  CHECK(sum.at("a").data<float>()[0] == 0);
  CHECK(sum.at("a").data<float>()[1] == 2.5f);
}
