// Every derivative against central differences in FP64, with random shapes.
#include <catch2/catch.hpp>
#include <functional>

#include "models/graph/differentiate.h"
#include "models/reference/execute.h"
#include "tests/models/central_difference.h"

using namespace corank;

namespace {

struct Case {
  Graph graph;
  TensorMap given;
  std::mt19937_64 generator;
  int leaves = 0;

  std::int64_t dimension(std::int64_t from = 1, std::int64_t to = 6) {
    return from +
           static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(to - from + 1));
  }
  /// A trainable value.
  ValueId leaf(const Shape& shape) {
    return add_value(graph,
                     {"leaf" + std::to_string(leaves++), shape, DType::F32, Role::kTrainable});
  }
  /// Integers from `from` to below `to`.
  ValueId integers(const std::string& name, const Shape& shape, std::int64_t from,
                   std::int64_t to) {
    Tensor tensor(DType::I64, shape);
    for (std::int64_t i = 0; i < element_count(shape); ++i) {
      tensor.data<std::int64_t>()[i] = dimension(from, to - 1);
    }
    given[name] = tensor;
    return add_value(graph, {name, shape, DType::I64, Role::kInput});
  }
};

struct NamedCase {
  const char* name;
  std::function<ValueId(Case&)> build;  // returns y
};

std::vector<NamedCase> activations() {
  std::vector<NamedCase> cases;
  const std::vector<std::pair<const char*, ActivationFunction>> functions = {
      {"silu", ActivationFunction::kSilu},
      {"gelu erf", ActivationFunction::kGeluErf},
      {"gelu tanh", ActivationFunction::kGeluTanh},
      {"tanh", ActivationFunction::kTanh},
      {"relu", ActivationFunction::kRelu}};
  for (const auto& [name, function] : functions) {
    const ActivationFunction f = function;
    cases.push_back(
        {name, [f](Case& c) {
           return add_activation(c.graph, "y", c.leaf({c.dimension(), c.dimension()}), f);
         }});
    if (f == ActivationFunction::kTanh) continue;
    cases.push_back({name, [f](Case& c) {
                       const Shape shape{c.dimension(), c.dimension()};
                       const ValueId gate = c.leaf(shape);
                       return add_gated_activation(c.graph, "y", gate, c.leaf(shape), f);
                     }});
  }
  return cases;
}

std::vector<NamedCase> elementwise() {
  return {
      {"add",
       [](Case& c) {
         const Shape shape{c.dimension(), c.dimension()};
         const ValueId left = c.leaf(shape);
         return add_add(c.graph, "y", left, c.leaf(shape));
       }},
      {"add of one value twice",
       [](Case& c) {
         const ValueId x = c.leaf({c.dimension(), c.dimension()});
         return add_add(c.graph, "y", x, x);
       }},
      {"add of a bias",
       [](Case& c) {
         const std::int64_t columns = c.dimension();
         const ValueId left = c.leaf({c.dimension(2), columns});
         return add_add(c.graph, "y", left, c.leaf({columns}));
       }},
      {"add of a bias to one row",
       [](Case& c) {
         const std::int64_t columns = c.dimension();
         const ValueId left = c.leaf({1, columns});
         return add_add(c.graph, "y", left, c.leaf({columns}));
       }},
      {"add of a table of one row",
       [](Case& c) {
         const std::int64_t columns = c.dimension();
         const ValueId left = c.leaf({c.dimension(2), columns});
         return add_add(c.graph, "y", left, c.leaf({1, columns}));
       }},
      {"add of a repeated table",
       [](Case& c) {
         const std::int64_t columns = c.dimension(), rows = c.dimension(2);
         const ValueId left = c.leaf({3 * rows, columns});
         return add_add(c.graph, "y", left, c.leaf({rows, columns}));
       }},
      {"multiply",
       [](Case& c) {
         const Shape shape{c.dimension(), c.dimension(), c.dimension()};
         const ValueId left = c.leaf(shape);
         return add_multiply(c.graph, "y", left, c.leaf(shape));
       }},
      {"square",
       [](Case& c) {
         const ValueId x = c.leaf({c.dimension(), c.dimension()});
         return add_multiply(c.graph, "y", x, x);
       }},
      {"multiply by a row",
       [](Case& c) {
         const std::int64_t columns = c.dimension();
         const ValueId left = c.leaf({c.dimension(2), columns});
         return add_multiply(c.graph, "y", left, c.leaf({columns}));
       }},
      {"multiply one row by a row",
       [](Case& c) {
         const std::int64_t columns = c.dimension();
         const ValueId left = c.leaf({1, columns});
         return add_multiply(c.graph, "y", left, c.leaf({columns}));
       }},
      {"scale",
       [](Case& c) {
         return add_scale(c.graph, "y", c.leaf({c.dimension(), c.dimension()}), -1.75f);
       }},
      {"convert",
       [](Case& c) {
         return add_convert(c.graph, "y", c.leaf({c.dimension(), 3}));
       }},
      {"dropout",
       [](Case& c) {
         const ValueId step = c.integers("step", {1}, 0, 100);
         return add_dropout(c.graph, "y", c.leaf({c.dimension(3), c.dimension(3)}), step, 0.25, 7,
                            c.generator());
       }},
  };
}

std::vector<NamedCase> reductions() {
  return {
      {"contraction with a bias",
       [](Case& c) {
         const std::int64_t m = c.dimension(), k = c.dimension(), n = c.dimension();
         const ValueId x = c.leaf({m, k}), w = c.leaf({n, k}), bias = c.leaf({n});
         return add_contraction(c.graph, "y", {{x, false, w, true, {}}}, 1.0f, bias, DType::F32,
                                Role::kResult);
       }},
      {"contraction of two scaled terms, transposed",
       [](Case& c) {
         const std::int64_t m = c.dimension(), k = c.dimension(), l = c.dimension(),
                            n = c.dimension();
         const ValueId a = c.leaf({k, m}), b = c.leaf({k, n});
         const ValueId d = c.leaf({m, l}), e = c.leaf({n, l});
         return add_contraction(c.graph, "y", {{a, true, b, false, {}}, {d, false, e, true, {}}},
                                0.75f, std::nullopt, DType::F32, Role::kResult);
       }},
      {"contraction of a computed value that another op reads, too",
       [](Case& c) {
         const std::int64_t n = c.dimension(2);
         const ValueId a = c.leaf({n, n}), b = c.leaf({n, n});
         const ValueId p = add_contraction(c.graph, "p", {{a, false, b, false, {}}}, 0.5f,
                                           std::nullopt, DType::F32, Role::kIntermediate);
         const ValueId q = add_contraction(c.graph, "q", {{p, true, b, false, {}}}, 2.0f,
                                           std::nullopt, DType::F32, Role::kIntermediate);
         return add_multiply(c.graph, "y", q, p);
       }},
      {"batched contraction",
       [](Case& c) {
         const std::int64_t batch = c.dimension(2), m = c.dimension(), k = c.dimension(),
                            n = c.dimension();
         const ValueId a = c.leaf({batch, m, k}), b = c.leaf({batch, n, k});
         return add_contraction(c.graph, "y", {{a, false, b, true, {}}}, 0.5f, std::nullopt,
                                DType::F32, Role::kResult);
       }},
      {"rms_norm",
       [](Case& c) {
         const std::int64_t columns = c.dimension(2, 40);
         const ValueId x = c.leaf({c.dimension(), columns});
         return add_rms_norm(c.graph, "y", x, c.leaf({columns}), 1e-2);
       }},
      {"layer_norm",
       [](Case& c) {
         const std::int64_t columns = c.dimension(3, 40);
         const ValueId x = c.leaf({c.dimension(), columns});
         const ValueId weight = c.leaf({columns});
         return add_layer_norm(c.graph, "y", x, weight, c.leaf({columns}), 1e-2);
       }},
      {"softmax",
       [](Case& c) {
         return add_softmax(c.graph, "y",
                            c.leaf({c.dimension(), c.dimension(), c.dimension(2, 20)}),
                            std::nullopt, false);
       }},
      {"masked softmax",
       [](Case& c) {
         const std::int64_t n = c.dimension(3);
         const ValueId mask = c.integers("mask", {2, n}, 0, 2);
         for (const std::int64_t b : {0, 1}) {
           c.given["mask"].data<std::int64_t>()[b * n] = 1;  // every query sees the first key
         }
         return add_softmax(c.graph, "y", c.leaf({6, n, n}), mask, true);
       }},
      {"sum of rows",
       [](Case& c) {
         return add_sum_rows(c.graph, "y", c.leaf({3 * c.dimension(), c.dimension()}),
                             c.dimension(0, 1) == 0 ? 1 : 3);
       }},
      {"cross_entropy",
       [](Case& c) {
         const std::int64_t rows = c.dimension(), classes = c.dimension(2);
         const ValueId labels = c.integers("labels", {rows}, 0, classes);
         return add_cross_entropy(c.graph, "y", c.leaf({rows, classes}), labels, false);
       }},
      {"shifted cross_entropy with ignored labels and a given count",
       [](Case& c) {
         const std::int64_t batch = c.dimension(), sequence = c.dimension(3), classes = 5;
         const ValueId labels = c.integers("labels", {batch, sequence}, 0, classes);
         c.given["labels"].data<std::int64_t>()[1] = -100;
         const ValueId items = c.integers("items", {1}, 3, 30);
         return add_cross_entropy(c.graph, "y", c.leaf({batch * sequence, classes}), labels, true,
                                  items);
       }},
  };
}

std::vector<NamedCase> moves() {
  return {
      {"rope",
       [](Case& c) {
         const std::int64_t half = c.dimension();
         std::vector<float> frequencies;
         for (std::int64_t j = 0; j < half; ++j) {
           frequencies.push_back(1.0f / static_cast<float>(1 + j));
         }
         return add_rope(c.graph, "y", c.leaf({c.dimension(), c.dimension(), 2 * half}),
                         frequencies, c.dimension(0, 1) == 1);
       }},
      {"embedding",
       [](Case& c) {
         const std::int64_t rows = c.dimension(2);
         const ValueId ids = c.integers("ids", {c.dimension(), c.dimension(2)}, 0, rows);
         return add_embedding(c.graph, "y", c.leaf({rows, c.dimension()}), ids, false,
                              std::nullopt);
       }},
      {"transposed embedding",
       [](Case& c) {
         const std::int64_t rows = c.dimension(2);
         const ValueId ids = c.integers("ids", {c.dimension(3)}, 0, rows);
         return add_embedding(c.graph, "y", c.leaf({c.dimension(), rows}), ids, true, std::nullopt);
       }},
      {"slice",
       [](Case& c) {
         const Shape shape{c.dimension(3), c.dimension(3), c.dimension(3)};
         return add_slice(c.graph, "y", c.leaf(shape), static_cast<int>(c.dimension(0, 2)), 1, 2);
       }},
      {"concat",
       [](Case& c) {
         const int axis = static_cast<int>(c.dimension(0, 1));
         Shape shape{c.dimension(), c.dimension()};
         std::vector<ValueId> parts;
         for (int i = 0; i < 3; ++i) {
           shape[static_cast<std::size_t>(axis)] = c.dimension();
           parts.push_back(c.leaf(shape));
         }
         return add_concat(c.graph, "y", parts, axis);
       }},
      {"split_heads",
       [](Case& c) {
         return add_split_heads(c.graph, "y", c.leaf({2 * c.dimension(), 3 * c.dimension()}), 2, 3);
       }},
      {"merge_heads",
       [](Case& c) {
         return add_merge_heads(c.graph, "y", c.leaf({6, c.dimension(), c.dimension()}), 2, 3);
       }},
      {"repeat_heads",
       [](Case& c) {
         return add_repeat_heads(
             c.graph, "y", c.leaf({c.dimension(), c.dimension(), c.dimension()}), c.dimension());
       }},
      {"select_rows",
       [](Case& c) {
         return add_select_rows(c.graph, "y", c.leaf({c.dimension(4), c.dimension()}), {2, 0});
       }},
      {"replace_rows",
       [](Case& c) {
         const std::int64_t rows = c.dimension(4), columns = c.dimension();
         const ValueId table =
             add_value(c.graph, {"table", {rows, columns}, DType::BF16, Role::kFrozen});
         return add_replace_rows(c.graph, "y", table, c.leaf({2, columns}), {3, 1});
       }},
  };
}

void check_cases(const std::vector<NamedCase>& cases) {
  for (const NamedCase& named : cases) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      INFO(named.name << ", seed " << seed);
      Case c;
      c.generator.seed(seed);
      const ValueId y = named.build(c);
      check(c.graph);
      const auto errors = test::derivative_errors(c.graph, y, c.given, c.generator);
      REQUIRE_FALSE(errors.empty());
      for (const auto& [leaf, error] : errors) {
        INFO(leaf);
        CHECK(error <= 1e-7);
      }
    }
  }
}

}  // namespace

TEST_CASE("derivatives of elementwise ops are central differences") { check_cases(elementwise()); }
TEST_CASE("derivatives of activations are central differences") { check_cases(activations()); }
TEST_CASE("derivatives of reductions are central differences") { check_cases(reductions()); }
TEST_CASE("derivatives of moves are central differences") { check_cases(moves()); }

TEST_CASE("the row of the padding id gets no gradient, though it is gathered") {
  Case c;
  c.given["ids"] = Tensor(DType::I64, {3});
  c.given["ids"].data<std::int64_t>()[0] = 1;
  c.given["ids"].data<std::int64_t>()[2] = 2;
  const ValueId ids = add_value(c.graph, {"ids", {3}, DType::I64, Role::kInput});
  const ValueId table = c.leaf({3, 1});
  const ValueId y = add_embedding(c.graph, "y", table, ids, false, 1);
  Graph graph = c.graph;
  const ValueId g = add_value(graph, {"g", {3, 1}, DType::BF16, Role::kInput});
  differentiate(graph, {{{y, g}}, {}, {}});
  TensorMap values = c.given;
  for (const char* name : {"leaf0", "g"}) {
    values[name] = Tensor(DType::F32, {3, 1});
    for (int i = 0; i < 3; ++i) values[name].data<float>()[i] = static_cast<float>(i + 5);
  }
  execute(graph, Numerics::kFp32, values);
  const float* gradient = values.at("leaf0_grad").data<float>();
  CHECK(std::vector<float>(gradient, gradient + 3) == std::vector<float>{6, 0, 7});
}

TEST_CASE("a row that is masked everywhere has a uniform softmax over all keys, later ones, too") {
  Graph graph;
  const ValueId scores = add_value(graph, {"scores", {2, 2, 4}, DType::F32, Role::kInput});
  const ValueId mask = add_value(graph, {"mask", {1, 4}, DType::I64, Role::kInput});
  const ValueId y = add_softmax(graph, "y", scores, mask, true);
  graph.value(y).role = Role::kResult;
  TensorMap values;
  values["scores"] = Tensor(DType::F32, {2, 2, 4});
  values["mask"] = Tensor(DType::I64, {1, 4});
  values["mask"].data<std::int64_t>()[1] = 1;
  for (int i = 0; i < 16; ++i) values["scores"].data<float>()[i] = static_cast<float>(i);
  execute(graph, Numerics::kFp32, values);
  const float* p = values.at("y").data<float>();
  CHECK(std::vector<float>(p, p + 4) == std::vector<float>{0.25f, 0.25f, 0.25f, 0.25f});
  CHECK(std::vector<float>(p + 4, p + 8) == std::vector<float>{0, 1, 0, 0});
}
