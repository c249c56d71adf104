#include "models/graph/graph.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

ValueId input(Graph& graph, const std::string& name, const Shape& shape,
              DType dtype = DType::BF16) {
  return add_value(graph, {name, shape, dtype, Role::kInput});
}

ValueId product(Graph& graph, const std::string& name, Term term,
                std::optional<ValueId> bias = std::nullopt) {
  return add_contraction(graph, name, {term}, 1.0f, bias, DType::F32, Role::kResult);
}

std::string message_of_check(const Graph& graph) {
  try {
    check(graph);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the shape of a contraction follows from its transposed or plain operands") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId w = input(graph, "w", {4, 3});
  const ValueId v = input(graph, "v", {3});  // a vector is one row
  CHECK(graph.value(product(graph, "xw", {x, false, w, true, {}})).shape == Shape{2, 4});
  CHECK(graph.value(product(graph, "wx", {w, false, x, true, {}})).shape == Shape{4, 2});
  CHECK(graph.value(product(graph, "xx", {x, true, x, false, {}})).shape == Shape{3, 3});
  CHECK(graph.value(product(graph, "xv", {x, false, v, true, {}})).shape == Shape{2, 1});
  CHECK(graph.value(product(graph, "vw", {v, false, w, true, {}})).shape == Shape{1, 4});
  CHECK_NOTHROW(check(graph));
}

TEST_CASE("a contraction that does not fit names the values and their shapes and is not added") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 3});
  const ValueId w = input(graph, "w", {4, 5});
  const ValueId wide = input(graph, "wide", {4, 3});
  const ValueId wider = input(graph, "wider", {5, 3});
  const ValueId master = input(graph, "master", {4, 3}, DType::F32);
  const ValueId bias = input(graph, "bias", {3}, DType::F32);
  const ValueId cube = input(graph, "cube", {2, 3, 4});
  const std::size_t values = graph.values.size();

  CHECK_THROWS_WITH(product(graph, "y", {x, false, w, true, {}}),
                    Equals("y = x[2, 3] . w[4, 5]^T: contraction lengths 3 and 5 differ"));
  CHECK_THROWS_WITH(
      add_contraction(graph, "y", {{x, false, wide, true, {}}, {x, false, wider, true, {}}}, 1.0f,
                      std::nullopt, DType::F32, Role::kResult),
      Equals("y = x[2, 3] . wider[5, 3]^T: the term is [2, 5], the first one [2, 4]"));
  CHECK_THROWS_WITH(product(graph, "y", {x, false, master, true, {}}),
                    Equals("y: expected BF16, found master F32 [4, 3]"));
  CHECK_THROWS_WITH(product(graph, "y", {x, false, wide, true, {}}, bias),
                    Equals("y: expected a bias of the shape [4], found bias F32 [3]"));
  CHECK_THROWS_WITH(product(graph, "y", {cube, false, wide, true, {}}),
                    Equals("cube: expected a vector or a matrix, found the shape [2, 3, 4]"));
  CHECK_THROWS_WITH(product(graph, "y", {x, false, 99, true, {}}),
                    Equals("y: no value has the number 99"));
  CHECK_THROWS_WITH(add_contraction(graph, "y", {}, 1.0f, std::nullopt, DType::F32, Role::kResult),
                    Equals("y: a contraction without terms"));
  CHECK_THROWS_AS(add_convert(graph, "c", x), InputError);  // BF16 already
  CHECK(graph.values.size() == values);
  CHECK(graph.ops.empty());
}

TEST_CASE("check refuses values read before they are written, or written twice, or given") {
  Graph graph;
  const ValueId x = input(graph, "x", {2, 2});
  const ValueId h = add_contraction(graph, "h", {{x, false, x, false, {}}}, 1.0f, std::nullopt,
                                    DType::BF16, Role::kIntermediate);
  product(graph, "y", {h, false, x, false, {}});
  REQUIRE_NOTHROW(check(graph));

  Graph swapped = graph;
  std::swap(swapped.ops[0], swapped.ops[1]);
  CHECK(message_of_check(swapped) == "h: read before it is written");

  Graph twice = graph;
  twice.ops.push_back(twice.ops[0]);
  CHECK(message_of_check(twice) == "h: written twice");

  Graph given = graph;
  given.values[static_cast<std::size_t>(h)].role = Role::kFrozen;
  CHECK(message_of_check(given) == "h: given with the step, yet written by an op");

  Graph same_name = graph;
  same_name.values[static_cast<std::size_t>(h)].name = "x";
  CHECK(message_of_check(same_name) == "x: two values have this name");
}

TEST_CASE("check refuses shapes and dtypes that no op gives") {
  Graph graph;
  const ValueId a = input(graph, "a", {2, 3}, DType::F32);
  const ValueId c = add_convert(graph, "c", a);
  const ValueId y = product(graph, "y", {c, false, c, true, {}});
  REQUIRE_NOTHROW(check(graph));

  Graph wrong = graph;
  wrong.values[static_cast<std::size_t>(y)].shape = {2, 3};
  CHECK(message_of_check(wrong) == "y: expected the shape [2, 2], found [2, 3]");

  wrong = graph;
  wrong.values[static_cast<std::size_t>(c)].shape = {3, 2};
  CHECK(message_of_check(wrong) == "c: expected the shape of a F32 [2, 3], found [3, 2]");

  wrong = graph;
  wrong.values[static_cast<std::size_t>(a)].shape = {0, 3};
  CHECK(message_of_check(wrong) == "a: expected dimensions of at least 1, found the shape [0, 3]");

  wrong = graph;
  add_value(wrong, {"i", {2}, DType::I32, Role::kInput});
  CHECK(message_of_check(wrong) == "i: expected F32 or BF16, found i I32 [2]");

  wrong = graph;
  add_value(wrong, {"t", {2}, DType::BF16, Role::kTrainable});
  CHECK(message_of_check(wrong) == "t: expected F32, found t BF16 [2]");

  wrong = graph;
  AdamW adamw{a, a, a, y, a, a, a, a, true};
  wrong.ops.push_back(adamw);
  CHECK(message_of_check(wrong) == "AdamW of a: expected the shape [2, 3], found y F32 [2, 2]");
}

TEST_CASE("operands and results of every op are listed in order") {
  const Contraction contraction{{{1, false, 2, true, {}}, {3, false, 4, false, {}}}, 1.0f, 5, 6};
  CHECK(operands_of(contraction) == std::vector<ValueId>{1, 2, 3, 4, 5});
  CHECK(results_of(contraction) == std::vector<ValueId>{6});
  CHECK(operands_of(Convert{1, 2}) == std::vector<ValueId>{1});
  CHECK(results_of(Convert{1, 2}) == std::vector<ValueId>{2});
  const AdamW adamw{1, 2, 3, 4, 5, 6, 7, 8, true};
  CHECK(operands_of(adamw) == std::vector<ValueId>{1, 2, 3, 4, 8});
  CHECK(results_of(adamw) == std::vector<ValueId>{5, 6, 7});
}

TEST_CASE("values are found by name") {
  Graph graph;
  input(graph, "x", {1});
  const ValueId y = input(graph, "y", {1});
  CHECK(find_value(graph, "y") == y);
  CHECK_FALSE(find_value(graph, "z").has_value());
}

TEST_CASE("the kinds of matrix products have names") {
  CHECK(to_string(GemmKind{Part::kFrozen, Pass::kForward}) == "frozen forward");
  CHECK(to_string(GemmKind{Part::kAdapterDown, Pass::kInputGradient}) ==
        "adapter down input gradient");
  CHECK(to_string(GemmKind{Part::kAdapterUp, Pass::kWeightGradient}) ==
        "adapter up weight gradient");
}
