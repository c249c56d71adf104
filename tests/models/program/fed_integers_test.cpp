#include "models/program/fed_integers.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "models/base/error.h"

using namespace corank;

namespace {

Tensor integers(const Shape& shape, const std::vector<std::int64_t>& numbers) {
  Tensor tensor(DType::I64, shape);
  std::copy(numbers.begin(), numbers.end(), tensor.data<std::int64_t>());
  return tensor;
}

std::string said_of(const Graph& graph, const TensorMap& feeds) {
  try {
    check_fed_integers(graph, feeds);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("an id that is no row of its table is named with its place") {
  Graph graph;
  const ValueId table = add_value(graph, {"table", {5, 2}, DType::BF16, Role::kFrozen});
  const ValueId ids = add_value(graph, {"ids", {2, 2}, DType::I64, Role::kInput});
  add_embedding(graph, "out", table, ids, false, std::nullopt);
  CHECK(said_of(graph, {{"ids", integers({2, 2}, {0, 4, 3, 1})}}).empty());
  CHECK(said_of(graph, {{"ids", integers({2, 2}, {0, 4, 5, 1})}}) ==
        "ids[2]: expected an id from 0 to 4, the rows of table, found 5");
  CHECK(said_of(graph, {{"ids", integers({2, 2}, {0, -1, 5, 1})}}) ==
        "ids[1]: expected an id from 0 to 4, the rows of table, found -1");
  CHECK(said_of(graph, {}).empty());  // what is not fed is somebody else's business
}

TEST_CASE("a label beyond the classes, and labels none of which is kept, are named") {
  Graph graph;
  const ValueId logits = add_value(graph, {"logits", {4, 3}, DType::F32, Role::kInput});
  const ValueId labels = add_value(graph, {"labels", {2, 2}, DType::I64, Role::kInput});
  add_cross_entropy(graph, "loss", logits, labels, true);
  // Shifted: the first label of a sequence is the target of no row.
  CHECK(said_of(graph, {{"labels", integers({2, 2}, {7, 2, 7, -100})}}).empty());
  CHECK(said_of(graph, {{"labels", integers({2, 2}, {0, 1, 0, 3})}}) ==
        "labels[3]: expected a label from 0 to 2, or -100, found 3");
  CHECK(said_of(graph, {{"labels", integers({2, 2}, {0, -100, 0, -100})}}) ==
        "labels: expected at least one target, found none: all labels are -100");
}

TEST_CASE("an integer of more than 32 bits is named") {
  Graph graph;
  const ValueId in = add_value(graph, {"in", {2}, DType::BF16, Role::kInput});
  const ValueId step = add_value(graph, {"step", {1}, DType::I64, Role::kInput});
  add_dropout(graph, "out", in, step, 0.5, 1, 0);
  CHECK(said_of(graph, {{"step", integers({1}, {2147483647})}}).empty());
  CHECK(said_of(graph, {{"step", integers({1}, {2147483648})}}) ==
        "step[0]: expected an integer of 32 bits, found 2147483648");
}
