#include "models/peft/oft.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/base/error.h"
#include "models/peft/linear_product.h"

namespace corank {
namespace {

constexpr GemmKind kOftKind{Part::kAdapterDown, Pass::kForward};

std::int64_t triangle(std::int64_t block) { return block * (block - 1) / 2; }

/// Q [blocks, block, block] of the trained rows.
ValueId add_skew(Graph& graph, const std::string& name, const Shape& shape, ValueId matrix) {
  const std::int64_t blocks = shape[0], block = shape[1];
  const ValueId operand =
      add_trained_operand(graph, name + ".oft_R.weight", {blocks, triangle(block)});
  const ValueId flat =
      add_contraction(graph, name + ".skew_rows", {{operand, false, matrix, false, kOftKind}}, 1.0f,
                      std::nullopt, DType::BF16, Role::kIntermediate);
  const ValueId lines = add_split_heads(graph, name + ".skew_lines", flat, blocks, block);
  const ValueId matrices = add_merge_heads(graph, name + ".skew_blocks", lines, blocks * block, 1);
  return add_split_heads(graph, name + ".skew", matrices, blocks, 1);
}

/// R - I: twice the powers of Q, the last one once.
ValueId add_rotation(Graph& graph, const std::string& name, ValueId q, int terms) {
  const std::string rotation = name + ".rotation";
  if (terms == 2) return add_scale(graph, rotation, q, 2.0f);
  const int last = std::max(3, terms - 1);
  ValueId sum = q, power = q;
  for (int i = 2; i <= last; ++i) {
    const std::string which = std::to_string(i);
    power =
        add_contraction(graph, name + ".skew_power" + which, {{power, false, q, false, kOftKind}},
                        1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
    if (i < last) sum = add_add(graph, name + ".skew_sum" + which, sum, power, DType::F32);
  }
  const ValueId twice = add_scale(graph, name + ".skew_twice", sum, 2.0f, DType::F32);
  return add_add(graph, rotation, twice, power);
}

void rotate_input(GraphRewriter& rewriter, const Module& module, std::int64_t block, int terms,
                  ValueId matrix) {
  ValueId rotated = -1;
  rewriter.insert_before_uses(module.span(), module.in, [&] {
    Graph& graph = rewriter.graph();
    const std::string& name = module.name;
    const std::int64_t blocks = graph.value(module.in).shape[1] / block;
    graph.origin.kind = kOftKind;
    const ValueId q = add_skew(graph, name, {blocks, block}, matrix);
    const ValueId rotation = add_rotation(graph, name, q, terms);
    const ValueId split = add_split_heads(graph, name + ".blocks", module.in, 1, blocks);
    const ValueId change =
        add_contraction(graph, name + ".block_change", {{split, false, rotation, false, kOftKind}},
                        1.0f, std::nullopt, DType::F32, Role::kIntermediate);
    const ValueId merged = add_merge_heads(graph, name + ".change", change, 1, blocks, DType::F32);
    rotated = add_add(graph, name + ".rotated", module.in, merged, graph.value(module.in).dtype);
  });
  rewriter.replace_uses(module.span(), module.in, rotated);
}

}  // namespace

std::string skew_name(std::int64_t block) { return "oft_skew." + std::to_string(block); }

Tensor skew_matrix(std::int64_t block) {
  Tensor matrix(DType::F32, {triangle(block), block * block});
  std::int64_t row = 0;
  for (std::int64_t i = 0; i < block; ++i) {
    for (std::int64_t j = i + 1; j < block; ++j, ++row) {
      float* elements = matrix.data<float>() + row * block * block;
      elements[i * block + j] = 1;
      elements[j * block + i] = -1;
    }
  }
  return matrix;
}

void apply_oft(Transformer& transformer, const OftPlan& plan) {
  if (plan.terms < 2)
    throw InputError("OFT: expected at least 2 terms, found " + std::to_string(plan.terms));
  Graph& graph = transformer.graph;
  GraphRewriter rewriter(graph);
  std::set<std::string> adapted;
  std::map<std::int64_t, ValueId> matrices;
  for (const auto& [name, block] : plan.modules) {
    const Module& module = linear_to_adapt(transformer, adapted, name, "OFT");
    const std::int64_t in = graph.value(module.weight).shape[1];
    if (block < 2 || in % block != 0)
      throw InputError("OFT: expected blocks of 2 or more features that divide the " +
                       std::to_string(in) + " that " + name + " reads, found " +
                       std::to_string(block));
    const auto [matrix, is_new] = matrices.emplace(block, -1);
    if (is_new)
      matrix->second = add_value(
          graph, {skew_name(block), {triangle(block), block * block}, DType::BF16, Role::kFrozen});
    rotate_input(rewriter, module, block, plan.terms, matrix->second);
  }
  check(graph);
}

}  // namespace corank
