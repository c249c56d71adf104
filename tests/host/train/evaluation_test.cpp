#include "host/train/evaluation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

using namespace corank;

namespace {

Tensor integers(const Shape& shape, const std::vector<std::int64_t>& elements) {
  Tensor tensor(DType::I64, shape);
  std::copy(elements.begin(), elements.end(), tensor.data<std::int64_t>());
  return tensor;
}

}  // namespace

TEST_CASE("The loss of an evaluation is the mean over all labels, not over micro-batches") {
  Batches batches;
  batches.count = 2;
  batches.batch = 1;
  batches.sequence = 4;
  // The first label of a row is predicted by nothing: one label counts, then three.
  batches.labels = integers({2, 1, 4}, {5, -100, 7, -100, 5, 6, 7, 8});
  const Evaluation all = evaluation_of(batches, {2, 6}, std::nullopt);
  CHECK(all.labels == 4);
  CHECK(all.loss == 5);  // (1 x 2 + 3 x 6) / 4
  CHECK(all.perplexity == std::exp(5.0));
  CHECK_FALSE(all.accuracy);
  // A run that was stopped has the first losses alone.
  CHECK(evaluation_of(batches, {2}, std::nullopt).loss == 2);
}

TEST_CASE("The accuracy of a classification is the share of its labels, ignored ones not counted") {
  Batches batches;
  batches.causal = false;
  batches.count = 2;
  batches.batch = 3;
  batches.labels = integers({2, 3}, {0, 1, -100, 2, 2, 1});
  const Evaluation all = evaluation_of(batches, {1, 2}, 3);
  CHECK(all.labels == 5);
  CHECK(all.loss == Approx(8.0 / 5));  // (2 x 1 + 3 x 2) / 5
  CHECK(all.accuracy == 3.0 / 5);
  CHECK_FALSE(all.perplexity);
}

TEST_CASE("A label is correct where its logit is the largest, of equals the first") {
  Tensor logits(DType::F32, {4, 3});
  const std::vector<float> numbers = {1, 3, 2, /**/ 5, 5, 0, /**/ 5, 5, 0, /**/ 9, 0, 0};
  std::copy(numbers.begin(), numbers.end(), logits.data<float>());
  CHECK(correct_labels(logits, integers({4}, {1, 0, 1, -100})) == 2);
}
