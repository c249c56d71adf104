#include "models/graph/differentiate.h"

#include <string>
#include <utility>
#include <vector>

#include "models/base/error.h"

namespace corank {
namespace {

/// The gradient of a contraction's sum, before its scale: factor * value.
struct SumGradient {
  ValueId value = -1;
  float factor = 1.0f;
};

/// What one consumer adds to the gradient of one of its operands: factor * term.
struct Contribution {
  Term term;
  float factor = 1.0f;
};

/// The value behind conversions: a gradient passes through a rounding unchanged, so that a value
/// and its rounded copies share one gradient.
std::vector<ValueId> sources_of(const Graph& graph) {
  std::vector<ValueId> source(graph.values.size());
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<ValueId>(i);
  for (const Op& op : graph.ops) {
    if (const auto* convert = std::get_if<Convert>(&op)) {
      source.at(static_cast<std::size_t>(convert->out)) =
          source.at(static_cast<std::size_t>(convert->in));
    }
  }
  return source;
}

/// Whether a value depends on a trainable or wanted one: only such values have a gradient.
std::vector<bool> active_values(const Graph& graph, const std::set<ValueId>& wanted) {
  std::vector<bool> active(graph.values.size());
  for (std::size_t i = 0; i < active.size(); ++i) {
    active[i] =
        graph.values[i].role == Role::kTrainable || wanted.count(static_cast<ValueId>(i)) > 0;
  }
  for (const Op& op : graph.ops) {
    if (std::holds_alternative<AdamW>(op)) continue;  // an update is not part of the loss
    bool any = false;
    for (const ValueId id : operands_of(op)) any = any || active[static_cast<std::size_t>(id)];
    for (const ValueId id : results_of(op)) active[static_cast<std::size_t>(id)] = any;
  }
  return active;
}

/// The first op that multiplies each value or a copy of it: once the reverse pass is past it, the
/// value's gradient is complete.
std::map<ValueId, std::size_t> first_products(const Graph& graph,
                                              const std::vector<ValueId>& source) {
  std::map<ValueId, std::size_t> first;
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const auto* contraction = std::get_if<Contraction>(&graph.ops[i]);
    if (contraction == nullptr) continue;
    for (const Term& term : contraction->terms) {
      for (const ValueId id : {term.left, term.right}) {
        first.emplace(source[static_cast<std::size_t>(id)], i);
      }
    }
  }
  return first;
}

/// "lora_A_grad" for a parameter, "dx" for x, "q_proj.du" for q_proj.u.
std::string gradient_name(const Value& value) {
  if (value.role == Role::kTrainable) return value.name + "_grad";
  std::string name = value.name;
  const std::size_t dot = name.rfind('.');
  return name.insert(dot == std::string::npos ? 0 : dot + 1, "d");
}

/// out = op(left) . op(right), so d op(left) = g . op(right)^T; transposed as a whole where left
/// is.
Term left_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.left_transposed) {
    return {term.right, term.right_transposed, gradient, true, {term.kind.part, pass}};
  }
  return {gradient, false, term.right, !term.right_transposed, {term.kind.part, pass}};
}

/// d op(right) = op(left)^T . g; transposed as a whole where right is.
Term right_gradient(const Term& term, ValueId gradient, Pass pass) {
  if (term.right_transposed) {
    return {gradient, true, term.left, term.left_transposed, {term.kind.part, pass}};
  }
  return {term.left, !term.left_transposed, gradient, false, {term.kind.part, pass}};
}

/// One chain over all contributions, times `scale`.
ValueId add_gradient(Graph& graph, ValueId of, const std::vector<Contribution>& contributions,
                     float scale, DType dtype, Role role) {
  const std::string name = gradient_name(graph.value(of));
  const float factor = contributions.front().factor;
  std::vector<Term> terms;
  for (const Contribution& contribution : contributions) {
    if (contribution.factor != factor) {
      throw InputError(name +
                       ": its terms come from given gradients of differently scaled values; one "
                       "chain has one scale");
    }
    terms.push_back(contribution.term);
  }
  return add_contraction(graph, name, std::move(terms), scale * factor, std::nullopt, dtype, role);
}

void check_request(const Graph& graph, const DifferentiateRequest& request,
                   const std::vector<ValueId>& source) {
  std::set<ValueId> contracted;
  for (const Op& op : graph.ops) {
    if (const auto* contraction = std::get_if<Contraction>(&op))
      contracted.insert(contraction->out);
  }
  for (const auto& [id, gradient_id] : request.output_gradients) {
    const Value& value = graph.value(id);
    const Value& gradient = graph.value(gradient_id);
    if (contracted.count(source.at(static_cast<std::size_t>(id))) == 0) {
      throw InputError(value.name + ": a gradient is given for it, but no contraction computes it");
    }
    if (gradient.dtype != DType::BF16 || gradient.shape != value.shape) {
      throw InputError(gradient.name + ": expected BF16 " + to_string(value.shape) +
                       " as the gradient of " + value.name + ", found " + name_of(gradient.dtype) +
                       " " + to_string(gradient.shape));
    }
  }
  for (const ValueId id : request.wanted) {
    if (graph.value(id).role != Role::kInput) {
      throw InputError(graph.value(id).name + ": its gradient is wanted, but it is not an input");
    }
  }
}

}  // namespace

std::map<ValueId, ValueId> differentiate(Graph& graph, const DifferentiateRequest& request) {
  check(graph);
  const std::vector<ValueId> sources = sources_of(graph);
  check_request(graph, request, sources);
  const std::vector<bool> active = active_values(graph, request.wanted);
  const std::map<ValueId, std::size_t> first_product = first_products(graph, sources);
  const auto source = [&](ValueId id) { return sources[static_cast<std::size_t>(id)]; };
  const auto is_active = [&](ValueId id) { return active[static_cast<std::size_t>(id)]; };

  std::map<ValueId, ValueId> gradients;  // by source
  for (const auto& [id, gradient] : request.output_gradients) {
    if (!gradients.emplace(source(id), gradient).second) {
      throw InputError(graph.value(id).name + ": its gradient is given twice");
    }
  }
  std::map<ValueId, std::vector<Contribution>> contributions;  // by source

  // The gradient of a contraction's sum: the given one still lacks the scale, a computed one has it
  // inside.
  const auto sum_gradient = [&](const Contraction& contraction) -> std::optional<SumGradient> {
    const auto given = gradients.find(contraction.out);
    const auto found = contributions.find(contraction.out);
    if (given != gradients.end() && found != contributions.end()) {
      throw InputError(graph.value(contraction.out).name +
                       ": has a given gradient and consumers with gradients; their sum is not "
                       "supported");
    }
    if (given != gradients.end()) return SumGradient{given->second, contraction.scale};
    if (found == contributions.end()) return std::nullopt;
    const ValueId gradient = add_gradient(graph, contraction.out, found->second, contraction.scale,
                                          DType::BF16, Role::kIntermediate);
    gradients.emplace(contraction.out, gradient);
    return SumGradient{gradient, 1.0f};
  };

  const auto contribute = [&](const Contraction& contraction, const SumGradient& gradient) {
    if (contraction.bias && is_active(*contraction.bias)) {
      throw InputError(graph.value(*contraction.bias).name +
                       ": the gradient of a bias is not supported");
    }
    for (const Term& term : contraction.terms) {
      const auto add = [&](ValueId operand, auto rule) {
        if (!is_active(operand)) return;
        const ValueId of = source(operand);
        const Pass pass =
            graph.value(of).role == Role::kTrainable ? Pass::kWeightGradient : Pass::kInputGradient;
        contributions[of].push_back({rule(term, gradient.value, pass), gradient.factor});
      };
      add(term.left, left_gradient);
      add(term.right, right_gradient);
    }
  };

  // Adds the gradients of the parameters and wanted inputs that no earlier op multiplies: as soon
  // as they are complete, so that their operands need not be kept longer.
  const auto add_complete_leaves = [&](std::size_t op_index) {
    for (const auto& [id, terms] : contributions) {
      const Role role = graph.value(id).role;
      if (role != Role::kTrainable && role != Role::kInput) continue;
      if (first_product.at(id) != op_index || gradients.count(id) > 0) continue;
      const DType dtype = role == Role::kTrainable ? DType::F32 : DType::BF16;
      gradients.emplace(id, add_gradient(graph, id, terms, 1.0f, dtype, Role::kResult));
    }
  };

  for (std::size_t i = graph.ops.size(); i-- > 0;) {
    if (!std::holds_alternative<Contraction>(graph.ops[i])) continue;
    const Contraction contraction = std::get<Contraction>(graph.ops[i]);  // a copy: ops grow below
    if (is_active(contraction.out)) {
      if (const auto gradient = sum_gradient(contraction)) contribute(contraction, *gradient);
    }
    add_complete_leaves(i);
  }

  std::map<ValueId, ValueId> by_value;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto found = gradients.find(sources[i]);
    if (found != gradients.end()) by_value.emplace(static_cast<ValueId>(i), found->second);
  }
  return by_value;
}

}  // namespace corank
