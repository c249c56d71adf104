#include "host/train/batches.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>

#include "host/formats/safetensors.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

Tensor integers(const Shape& shape, const std::vector<std::int64_t>& elements) {
  Tensor tensor(DType::I64, shape);
  std::copy(elements.begin(), elements.end(), tensor.data<std::int64_t>());
  return tensor;
}

Batches read(const TensorMap& tensors, const BatchLimits& limits) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("b.safetensors"), {tensors, {}});
  return read_batches(folder.file("b.safetensors"), limits);
}

/// Two micro-batches of one row of three tokens.
TensorMap causal() {
  return {{"input_ids", integers({2, 1, 3}, {1, 2, 3, 4, 5, 6})},
          {"labels", integers({2, 1, 3}, {1, -100, 3, 4, 5, 6})}};
}

const BatchLimits kCausal{10, 0, 0, 0, 1};
const BatchLimits kPairs{10, 3, 3, 2, 1};  // three positions, classes, two token types

std::string refusal(const TensorMap& tensors, const BatchLimits& limits = kCausal) {
  return message_of<InputError>([&] { read(tensors, limits); });
}

}  // namespace

TEST_CASE("A causal label counts unless it is -100 or nothing predicts it") {
  const Batches b = read(causal(), kCausal);
  CHECK(b.count == 2);
  CHECK(b.batch == 1);
  CHECK(b.sequence == 3);
  CHECK(b.causal);
  // Without a mask every token is real.
  const auto* mask = b.attention_mask.data<std::int64_t>();
  CHECK(std::accumulate(mask, mask + 6, std::int64_t{0}) == 6);
  CHECK(kept_labels(b, 0) == 1);
  CHECK(kept_labels(b, 1) == 2);
  const Tensor second = micro_batch(b.input_ids, 1);
  CHECK(second.shape == Shape{1, 3});
  CHECK(second.data<std::int64_t>()[0] == 4);
}

TEST_CASE("Labels of a classification are one a row") {
  TensorMap file = causal();
  file["labels"] = integers({2, 1}, {2, 0});
  const Batches b = read(file, kPairs);
  CHECK_FALSE(b.causal);
  CHECK(kept_labels(b, 0) == 1);
  file["labels"] = integers({2, 1}, {3, 0});
  CHECK_THAT(refusal(file, kPairs),
             Contains("'labels' at [0, 0]: expected a class, from 0 to 2, or -100, found 3"));
}

TEST_CASE("Token types are optional, and only of a model that has them") {
  TensorMap file = causal();
  file["labels"] = integers({2, 1}, {2, 0});
  CHECK(read(file, kPairs).token_type_ids.data<std::int64_t>()[5] == 0);
  file["token_type_ids"] = integers({2, 1, 3}, {0, 0, 1, 0, 1, 1});
  const Tensor second = micro_batch(read(file, kPairs).token_type_ids, 1);
  CHECK(second.data<std::int64_t>()[1] == 1);
  file["token_type_ids"] = integers({2, 1, 3}, {0, 0, 1, 0, 2, 1});
  CHECK_THAT(
      refusal(file, kPairs),
      Contains("'token_type_ids' at [1, 0, 1]: expected a token type of the model, from 0 to "
               "1, found 2"));
  file["token_type_ids"] = integers({2, 3}, {0, 0, 1, 0, 1, 1});
  CHECK_THAT(refusal(file, kPairs), Contains("'token_type_ids': expected shape [2, 1, 3]"));
  file["token_type_ids"] = Tensor(DType::I32, {2, 1, 3});
  CHECK_THAT(refusal(file, kPairs), Contains("'token_type_ids': expected I64, found I32"));
  file = causal();
  file["token_type_ids"] = integers({2, 1, 3}, {0, 0, 0, 0, 0, 0});
  CHECK_THAT(refusal(file), Contains("input_ids, attention_mask and labels only, found "
                                     "'token_type_ids'"));
}

TEST_CASE("A micro-batch without a label is right in a step that has one") {
  TensorMap file = causal();
  file["labels"] = integers({2, 1, 3}, {1, -100, -100, 4, 5, 6});
  CHECK_THAT(refusal(file), Contains("every label of micro-batch 0 is -100 or at the first"));
  const BatchLimits two{10, 0, 0, 0, 2};
  CHECK(kept_labels(read(file, two), 0) == 0);
  file["labels"] = integers({2, 1, 3}, {1, -100, -100, 4, -100, -100});
  CHECK_THAT(refusal(file, two),
             Contains("every label of micro-batches 0 to 1, one step, is -100"));
  CHECK_THAT(refusal(causal(), {10, 0, 0, 0, 3}),
             Contains("expected a multiple of 3 micro-batches"));
}

TEST_CASE("The last token of a sequence is the last one that is no padding") {
  const auto last = [](const std::vector<std::int64_t>& ids, std::optional<std::int64_t> pad) {
    const Tensor found = last_tokens(integers({2, 4}, ids), pad);
    CHECK(found.shape == Shape{2});
    return std::vector<std::int64_t>(found.data<std::int64_t>(), found.data<std::int64_t>() + 2);
  };
  CHECK(last({5, 6, 0, 0, 7, 8, 9, 3}, 0) == std::vector<std::int64_t>{1, 7});
  CHECK(last({0, 0, 5, 6, 5, 0, 6, 0}, 0) == std::vector<std::int64_t>{3, 6});  // left; in between
  CHECK(last({5, 6, 0, 0, 0, 0, 0, 0}, 0) ==
        std::vector<std::int64_t>{1, 4});  // nothing but padding
  CHECK(last({5, 6, 0, 0, 7, 8, 9, 3}, std::nullopt) == std::vector<std::int64_t>{3, 7});
}

TEST_CASE("Wrong batches are refused with the tensor and the place") {
  const auto with = [](const std::string& name, const Tensor& tensor) {
    TensorMap file = causal();
    file[name] = tensor;
    return refusal(file);
  };
  CHECK_THAT(with("input_ids", integers({2, 1, 3}, {1, 2, 3, 4, 10, 6})),
             Contains("'input_ids' at [1, 0, 1]: expected an id of the vocabulary, from 0 to 9, "
                      "found 10"));
  CHECK_THAT(with("input_ids", integers({2, 1, 3}, {1, 2, -1, 4, 5, 6})), Contains("found -1"));
  CHECK_THAT(with("input_ids", integers({2, 3}, {1, 2, 3, 4, 5, 6})),
             Contains("expected shape [steps, batch, seq], found [2, 3]"));
  CHECK_THAT(with("input_ids", Tensor(DType::I32, {2, 1, 3})), Contains("expected I64, found I32"));
  CHECK_THAT(with("attention_mask", integers({2, 1, 3}, {1, 1, 2, 1, 1, 1})),
             Contains("'attention_mask' at [0, 0, 2]"));
  CHECK_THAT(with("labels", integers({2, 1}, {1, 2})),
             Contains("'labels': expected shape [2, 1, 3], found [2, 1]"));
  CHECK_THAT(with("labels", integers({2, 1, 3}, {1, 2, 3, 7, -100, -100})),
             Contains("every label of micro-batch 1 is -100 or at the first position"));
  CHECK_THAT(with("labels", integers({2, 1, 3}, {1, 2, 3, 7, -99, 1})), Contains("found -99"));
  CHECK_THAT(with("position_ids", integers({1}, {1})), Contains("found 'position_ids'"));
  CHECK_THAT(refusal({}), Contains("expected the tensor 'input_ids'"));
  CHECK_THAT(refusal(causal(), {10, 2, 0, 0, 1}), Contains("at most 2 positions"));
}
