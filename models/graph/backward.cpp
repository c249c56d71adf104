#include "models/graph/backward.h"

#include <algorithm>

#include "models/base/error.h"

namespace corank {
namespace {

std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

}  // namespace

std::string gradient_name(const Value& value) {
  if (value.role == Role::kTrainable) return value.name + "_grad";
  std::string name = value.name;
  const std::size_t dot = name.rfind('.');
  return name.insert(dot == std::string::npos ? 0 : dot + 1, "d");
}

Backward::Backward(Graph& graph, const std::set<ValueId>& wanted)
    : graph_(graph),
      wanted_(wanted),
      source_(graph.values.size()),
      active_(graph.values.size()),
      reads_(graph.values.size()),
      operand_dtype_(graph.values.size()) {
  for (std::size_t i = 0; i < source_.size(); ++i) {
    const Value& value = graph.values[i];
    source_[i] = static_cast<ValueId>(i);
    operand_dtype_[i] = value.dtype;
    active_[i] = value.role == Role::kTrainable || wanted.count(static_cast<ValueId>(i)) > 0;
    names_.insert(value.name);
  }
  for (const Op& op : graph.ops) {
    if (is_update(graph, op)) continue;  // an update is not part of the loss
    const std::vector<ValueId> operands = operands_of(op);
    const bool detached = traits_of(op).op_class == OpClass::kDetached;
    const bool any = !detached && std::any_of(operands.begin(), operands.end(),
                                              [&](ValueId id) { return active_[index(id)]; });
    for (const ValueId id : results_of(op)) active_[index(id)] = any;
    if (traits_of(op).op_class == OpClass::kCopy) {
      source_[index(results_of(op).front())] = source_[index(operands.front())];
      continue;
    }
    for (const ValueId id : operands) reads_[index(source_[index(id)])] += any ? 1 : 0;
    if (const Contraction* contraction = contraction_of(op)) {
      operand_dtype_[index(contraction->out)] = graph.value(contraction->terms.front().left).dtype;
    }
  }
}

void Backward::add_term(ValueId of, const Term& term, float factor) {
  if (needs(of)) parts_[source(of)].push_back({term, -1, factor});
}

void Backward::add_value(ValueId of, ValueId gradient) {
  if (needs(of)) parts_[source(of)].push_back({std::nullopt, gradient, 1.0f});
}

ValueId Backward::declare(ValueId of, ValueId consumer) {
  const ValueId id = source(of);
  const std::string name = gradient_name(graph_.value(id));
  const Shape shape = graph_.value(id).shape;
  if (reads_[index(id)] == 1) {
    return corank::add_value(graph_,
                             {unique_name(name), shape, gradient_dtype(id), Role::kIntermediate},
                             part_origin(of));
  }
  return corank::add_value(graph_,
                           {unique_name(name + ".from." + graph_.value(consumer).name), shape,
                            DType::F32, Role::kIntermediate},
                           part_origin(of));
}

ValueId Backward::temporary(ValueId of, const std::string& name, const Shape& shape) {
  return corank::add_value(graph_, {unique_name(name), shape, DType::F32, Role::kIntermediate},
                           part_origin(of));
}

std::optional<Backward::Scaled> Backward::complete(ValueId of, float scale) {
  const auto given = gradients_.find(of);
  const auto found = parts_.find(of);
  if (given != gradients_.end() && found != parts_.end()) {
    throw InputError(graph_.value(of).name +
                     ": has a given gradient and consumers with gradients; their sum is not "
                     "supported");
  }
  // A given gradient is that of the value, so that it still lacks the scale.
  if (given != gradients_.end()) return Scaled{given->second, scale};
  if (found == parts_.end()) return std::nullopt;
  const std::vector<Part>& parts = found->second;
  const DType dtype = gradient_dtype(of);
  const std::string name = gradient_name(graph_.value(of));
  const float factor = parts.front().factor;
  const bool one_chain = std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
    return part.term && part.factor == factor;
  });
  Scaled gradient;
  if (one_chain) {
    gradient = {chain_of(of, unique_name(name), factor, scale, dtype), 1.0f};
  } else if (parts.size() == 1) {
    gradient = {parts.front().value, scale};
    if (dtype == DType::BF16 && graph_.value(gradient.value).dtype == DType::F32) {
      gradient.value = add_convert(graph_, unique_name(name + ".bf16"), gradient.value);
    }
  } else {
    gradient = {sum_of(of, name, dtype), scale};
  }
  gradients_.emplace(of, gradient.value);
  parts_.erase(of);
  return gradient;
}

void Backward::complete_leaf(ValueId of) {
  if (parts_.count(of) == 0) return;
  const Value leaf = graph_.value(of);
  const std::string name = gradient_name(leaf);
  ValueId gradient = complete(of, 1.0f)->value;
  const Value& found = graph_.value(gradient);
  if (found.role != Role::kIntermediate || found.name != name ||
      found.dtype != gradient_dtype(of)) {  // another value's gradient, too
    Scale copy;
    copy.in = gradient;
    copy.out = corank::add_value(
        graph_, {unique_name(name), leaf.shape, gradient_dtype(of), Role::kResult});
    gradient = copy.out;
    graph_.ops.push_back(copy);
    gradients_[of] = gradient;
  }
  graph_.value(gradient).role = Role::kResult;
}

void Backward::give(ValueId of, ValueId gradient) {
  if (!gradients_.emplace(source(of), gradient).second) {
    throw InputError(graph_.value(of).name + ": its gradient is given twice");
  }
}

std::vector<ValueId> Backward::incomplete() const {
  std::vector<ValueId> ids;
  for (const auto& [id, parts] : parts_) {
    if (gradients_.count(id) == 0) ids.push_back(id);
  }
  return ids;
}

std::map<ValueId, ValueId> Backward::gradients() const {
  std::map<ValueId, ValueId> by_value;
  for (std::size_t i = 0; i < source_.size(); ++i) {
    const auto found = gradients_.find(source_[i]);
    if (found != gradients_.end()) by_value.emplace(static_cast<ValueId>(i), found->second);
  }
  return by_value;
}

/// What is multiplied further is an operand of the array; anything else keeps the value's own
/// dtype.
DType Backward::gradient_dtype(ValueId of) const { return operand_dtype_[index(of)]; }

Pass Backward::gradient_pass(ValueId of) const {
  const bool weight = graph_.value(source(of)).role == Role::kTrainable;
  return weight ? Pass::kWeightGradient : Pass::kInputGradient;
}

Origin Backward::part_origin(ValueId of) const {
  Origin origin = graph_.origin;
  origin.kind.pass = gradient_pass(of);
  return origin;
}

std::string Backward::unique_name(const std::string& name) {
  std::string unique = name;
  for (int i = 2; !names_.insert(unique).second; ++i) unique = name + "." + std::to_string(i);
  return unique;
}

/// One chain over all products with this factor.
ValueId Backward::chain_of(ValueId of, const std::string& name, float factor, float scale,
                           DType dtype) {
  std::vector<Term> terms;
  for (const Part& part : parts_.at(of)) {
    if (part.term && part.factor == factor) terms.push_back(*part.term);
  }
  return add_contraction(graph_, name, std::move(terms), scale * factor, std::nullopt, dtype,
                         Role::kIntermediate);
}

/// The chains of all products first, one for each factor, then the values in their order; each sum
/// F32 but the last.
ValueId Backward::sum_of(ValueId of, const std::string& name, DType dtype) {
  std::vector<ValueId> summands;
  std::set<float> factors;
  for (const Part& part : parts_.at(of)) {
    if (!part.term || !factors.insert(part.factor).second) continue;
    summands.push_back(
        chain_of(of, unique_name(name + ".products"), part.factor, 1.0f, DType::F32));
  }
  for (const Part& part : parts_.at(of)) {
    if (!part.term) summands.push_back(part.value);
  }
  ValueId sum = summands.front();
  for (std::size_t i = 1; i < summands.size(); ++i) {
    const bool last = i + 1 == summands.size();
    sum = add_add(graph_, unique_name(last ? name : name + ".sum" + std::to_string(i)), sum,
                  summands[i], last ? dtype : DType::F32);
  }
  return sum;
}

}  // namespace corank
