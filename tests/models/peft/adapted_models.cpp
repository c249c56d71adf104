#include "tests/models/peft/adapted_models.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "models/graph/differentiate.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/models/central_difference.h"

namespace corank::test {
namespace {

constexpr std::int64_t kFewestTokens = 11, kLabels = 3;

std::int64_t from_to(std::int64_t least, std::int64_t most, std::mt19937_64& generator) {
  return std::uniform_int_distribution<std::int64_t>(least, most)(generator);
}

/// Ids, a mask that hides the last token, labels.
Tensor random_integers(const Value& value, std::mt19937_64& generator) {
  Tensor tensor(DType::I64, value.shape);
  const std::int64_t count = element_count(value.shape);
  const auto most = value.name == "input_ids"        ? kFewestTokens - 1
                    : value.name == "token_type_ids" ? 1
                                                     : kLabels - 1;
  for (std::int64_t i = 0; i < count; ++i)
    tensor.data<std::int64_t>()[i] =
        value.name == "attention_mask" ? (i < count - 1 ? 1 : 0) : from_to(0, most, generator);
  return tensor;
}

}  // namespace

Transformer one_linear(std::int64_t tokens, std::int64_t in, std::int64_t out) {
  Transformer model;
  Graph& graph = model.graph;
  const ValueId x = add_value(graph, {"x", {tokens, in}, DType::BF16, Role::kInput});
  const ValueId w = add_value(graph, {"m.weight", {out, in}, DType::BF16, Role::kFrozen});
  const ValueId bias = add_value(graph, {"m.bias", {out}, DType::BF16, Role::kFrozen});
  const ValueId y = add_contraction(graph, "y", {{x, false, w, true, {}}}, 1.0f, bias, DType::BF16,
                                    Role::kResult);
  model.modules = {{"m", ModuleKind::kLinear, x, w, bias, y},
                   {"norm", ModuleKind::kNorm, x, bias, std::nullopt, y}};
  return model;
}

void add_backward(Transformer& model) {
  Graph& graph = model.graph;
  const Module& m = model.modules.front();
  const ValueId dy = add_value(graph, {"dy", graph.value(m.out).shape, DType::BF16, Role::kInput});
  differentiate(graph, {{{m.out, dy}}, {m.in}, {}});
}

Transformer random_llama(std::mt19937_64& generator) {
  LlamaShape shape;
  shape.vocabulary = from_to(kFewestTokens, 23, generator);
  shape.kv_heads = from_to(1, 2, generator);
  shape.heads = 2 * shape.kv_heads;
  shape.head_dim = 6;
  shape.hidden = 12 * from_to(1, 2, generator);
  shape.intermediate = 12 * from_to(1, 3, generator);
  shape.layers = 2;
  shape.attention_bias = from_to(0, 1, generator) == 1;
  shape.tied_embeddings = from_to(0, 1, generator) == 1;
  // Enough tokens that not all of a sequence are the same: attention would be flat.
  return build_llama(shape, from_to(2, 3, generator), from_to(5, 6, generator));
}

Transformer random_bert(std::mt19937_64& generator) {
  BertShape shape;
  shape.vocabulary = from_to(kFewestTokens, 23, generator);
  shape.hidden = 12 * from_to(1, 2, generator);
  shape.intermediate = 12 * from_to(1, 3, generator);
  shape.layers = 2;
  shape.heads = 3;
  shape.max_positions = 9;
  shape.labels = kLabels;
  return build_bert(shape, from_to(2, 4, generator), from_to(4, 6, generator));
}

void check_derivatives(const Transformer& adapted, std::size_t trained,
                       std::mt19937_64& generator) {
  TensorMap given;
  for (const Value& value : adapted.graph.values) {
    if (is_computed(value)) continue;
    if (value.dtype == DType::I64) {
      given[value.name] = random_integers(value, generator);
      continue;
    }
    const bool near_one = value.shape.size() == 1 && value.name.find("bias") == std::string::npos;
    Tensor tensor = normal_f64(generator, value.shape);
    for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
      double& element = tensor.data<double>()[i];
      element = element / std::sqrt(static_cast<double>(value.shape.back())) + (near_one ? 1 : 0);
    }
    given[value.name] = tensor;
  }
  const auto errors = loss_derivative_errors(adapted.graph, adapted.loss, given, 5e-6, generator);
  CHECK(errors.size() == trained);
  for (const auto& [name, error] : errors) {
    INFO(name);
    CHECK(error <= 1e-7);
  }
}

}  // namespace corank::test
