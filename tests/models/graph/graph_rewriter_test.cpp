#include "models/graph/graph_rewriter.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/reference/execute.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Equals;

namespace {

/// p = x w^T and q = x w^T, two modules of one input and one weight; y = p + q.
struct TwoModules {
  Graph graph;
  ValueId x, w, p, q, y;

  TwoModules() {
    x = add_value(graph, {"x", {1, 2}, DType::F32, Role::kInput});
    w = add_value(graph, {"w", {2, 2}, DType::F32, Role::kFrozen});
    p = product("p");
    q = product("q");
    y = add_add(graph, "y", p, q, DType::F32);
    graph.value(y).role = Role::kResult;
  }

  ValueId product(const std::string& name) {
    return add_contraction(graph, name, {{x, false, w, true, {}}}, 1.0f, std::nullopt, DType::F32,
                           Role::kIntermediate);
  }

  /// y of x = [1, 2] and w = [[1, 0], [0, 1]].
  std::vector<float> result() const {
    check(graph);
    TensorMap values;
    values["x"] = test::f32({1, 2}, {1, 2});
    values["w"] = test::f32({2, 2}, {1, 0, 0, 1});
    execute(graph, Numerics::kFp32, values);
    return test::floats(values.at("y"));
  }

  std::vector<std::string> order() const {
    std::vector<std::string> names;
    for (const Op& op : graph.ops) names.push_back(result_name(graph, op));
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("ops are put behind a value, and every reader of it reads what they compute") {
  TwoModules two;
  GraphRewriter rewriter(two.graph);
  const auto twice = [&](ValueId base) { two.graph.ops.push_back(Add{base, base, two.p}); };
  rewriter.insert_after(two.p, "p.base", twice);
  CHECK(two.order() == Names{"p.base", "p", "q", "y"});
  CHECK(two.result() == std::vector<float>{3, 6});  // 2 x + x
  rewriter.insert_after(two.p, "p.base", twice);    // the second stands behind the first
  CHECK(two.order() == Names{"p.base", "p.base.2", "p", "q", "y"});
  CHECK(two.result() == std::vector<float>{5, 10});  // 4 x + x
}

TEST_CASE("a value takes another's place in one module alone") {
  TwoModules two;
  GraphRewriter rewriter(two.graph);
  const Span q{two.x, two.q};
  const auto scale_input = [&](const std::string& name, float factor) {
    ValueId scaled = -1;
    rewriter.insert_before_uses(
        q, two.x, [&] { scaled = add_scale(two.graph, name, two.x, factor, DType::F32); });
    rewriter.replace_uses(q, two.x, scaled);
  };
  scale_input("ten", 10);
  CHECK(two.order() == Names{"p", "ten", "q", "y"});
  CHECK(two.result() == std::vector<float>{11, 22});
  scale_input("half", 0.5f);  // the module's input still is x: what reads it now is "ten"
  CHECK(two.order() == Names{"p", "half", "ten", "q", "y"});
  CHECK(two.result() == std::vector<float>{6, 12});
}

TEST_CASE("a weight becomes a computed value of one of the modules that share it") {
  TwoModules two;
  GraphRewriter rewriter(two.graph);
  ValueId doubled = -1;
  rewriter.insert_first([&] { doubled = add_scale(two.graph, "2w", two.w, 2, DType::F32); });
  rewriter.replace_uses({two.x, two.p}, two.w, doubled);
  CHECK(two.order() == Names{"2w", "p", "q", "y"});
  CHECK(two.result() == std::vector<float>{3, 6});
}

TEST_CASE("what a rewrite cannot find is named") {
  TwoModules two;
  GraphRewriter rewriter(two.graph);
  CHECK_THROWS_WITH(rewriter.writer_of(two.x), Equals("x: no op computes this value"));
  CHECK_THROWS_WITH(rewriter.insert_before_uses({two.x, two.p}, two.q, [] {}),
                    Equals("q: no op on the way to p reads this value"));
  CHECK_THROWS_WITH(rewriter.replace_uses({two.x, two.p}, two.q, two.w),
                    Equals("q: no op on the way to p reads this value"));
}
