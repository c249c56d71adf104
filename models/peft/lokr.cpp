#include "models/peft/lokr.h"

#include <set>

#include "models/base/error.h"
#include "models/peft/linear_product.h"

namespace corank {
namespace {

constexpr GemmKind kLokrKind{Part::kAdapterUp, Pass::kForward};

/// w1 or w2, BF16.
ValueId add_matrix(Graph& graph, const std::string& name, const Shape& shape, bool low_rank,
                   int rank) {
  if (!low_rank) return add_trained_operand(graph, name, shape);
  const ValueId a = add_trained_operand(graph, name + "_a", {shape[0], rank});
  const ValueId b = add_trained_operand(graph, name + "_b", {rank, shape[1]});
  return add_contraction(graph, name, {{a, false, b, false, kLokrKind}}, 1.0f, std::nullopt,
                         DType::BF16, Role::kIntermediate);
}

/// [rows, parts * columns] -> [parts * rows, columns], part by part.
ValueId add_stacked(Graph& graph, const std::string& name, ValueId in, std::int64_t parts,
                    DType dtype) {
  const ValueId split = add_split_heads(graph, name + ".parts", in, 1, parts, dtype);
  return add_merge_heads(graph, name, split, parts, 1, dtype);
}

/// And back.
ValueId add_side_by_side(Graph& graph, const std::string& name, ValueId in, std::int64_t parts,
                         DType dtype) {
  const ValueId split = add_split_heads(graph, name + ".parts", in, parts, 1, dtype);
  return add_merge_heads(graph, name, split, 1, parts, dtype);
}

/// [groups * rows, columns] -> [groups, rows * columns]: the same elements in the same order.
ValueId add_joined_rows(Graph& graph, const std::string& name, ValueId in, std::int64_t groups,
                        DType dtype) {
  const std::int64_t all = graph.value(in).shape[0];
  const ValueId split = add_split_heads(graph, name + ".rows", in, all, 1, dtype);
  return add_merge_heads(graph, name, split, groups, all / groups, dtype);
}

/// And back.
ValueId add_single_rows(Graph& graph, const std::string& name, ValueId in, std::int64_t rows,
                        DType dtype) {
  const std::int64_t groups = graph.value(in).shape[0];
  const ValueId split = add_split_heads(graph, name + ".rows", in, groups, rows, dtype);
  return add_merge_heads(graph, name, split, groups * rows, 1, dtype);
}

void add_kronecker(GraphRewriter& rewriter, const Module& module, const LokrModule& adapter) {
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    const auto& [a, b, c, d, low_rank_w1, low_rank_w2] = adapter.shape;
    const std::string& name = module.name;
    const std::int64_t tokens = graph.value(module.in).shape[0];
    const float scale = scale_of(adapter.scale);
    graph.origin.kind = kLokrKind;
    const ValueId w1 =
        add_matrix(graph, name + ".lokr_w1", {a, b}, low_rank_w1, adapter.scale.rank);
    const ValueId w2 =
        add_matrix(graph, name + ".lokr_w2", {c, d}, low_rank_w2, adapter.scale.rank);
    const ValueId x = add_stacked(graph, name + ".stacked", module.in, b, DType::BF16);
    const ValueId inner =
        add_contraction(graph, name + ".inner", {{x, false, w2, true, kLokrKind}}, 1.0f,
                        std::nullopt, DType::BF16, Role::kIntermediate);  // [b * tokens, c]
    const ValueId joined = add_joined_rows(graph, name + ".joined", inner, b, DType::BF16);
    const ValueId outer =
        add_contraction(graph, name + ".outer", {{w1, false, joined, false, kLokrKind}}, scale,
                        std::nullopt, DType::F32, Role::kIntermediate);  // [a, tokens * c]
    const ValueId rows = add_single_rows(graph, name + ".outer_rows", outer, tokens, DType::F32);
    const ValueId delta = add_side_by_side(graph, name + ".delta", rows, a, DType::F32);
    graph.ops.push_back(Add{base, delta, module.out});
  });
}

}  // namespace

void apply_lokr(Transformer& transformer, const LokrPlan& plan) {
  GraphRewriter rewriter(transformer.graph);
  std::set<std::string> adapted;
  for (const LokrModule& adapter : plan.modules) {
    const Module& module = linear_to_adapt(transformer, adapted, adapter.module, "LoKr");
    const LokrShape& shape = adapter.shape;
    const Shape size{shape.a * shape.c, shape.b * shape.d};
    if (transformer.graph.value(module.weight).shape != size)
      throw InputError("LoKr: expected a Kronecker product of the size of " + module.name + ", " +
                       to_string(transformer.graph.value(module.weight).shape) + ", found " +
                       to_string(size));
    add_kronecker(rewriter, module, adapter);
  }
  check(transformer.graph);
}

}  // namespace corank
