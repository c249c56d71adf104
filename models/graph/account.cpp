#include "models/graph/account.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/graph/def_use.h"

namespace corank {
namespace {

void count_macs(const Graph& graph, StepAccount& account) {
  for (const Op& op : graph.ops) {
    const Contraction* contraction = contraction_of(op);
    if (contraction == nullptr) continue;
    for (const Term& term : contraction->terms) {
      const std::int64_t macs = macs_of(graph, term);
      const auto found =
          std::find_if(account.macs.begin(), account.macs.end(),
                       [&](const MacsOfKind& entry) { return entry.kind == term.kind; });
      if (found == account.macs.end()) {
        account.macs.push_back({term.kind, macs});
      } else {
        found->macs += macs;
      }
      account.total_macs += macs;
    }
  }
}

void count_parameters(const Graph& graph, StepAccount& account, int moments) {
  bool has_states = false;
  for (const Value& value : graph.values) {
    if (value.role == Role::kFrozen) account.weight_bytes += stored_bytes(value);
    if (value.role == Role::kState) {
      account.optimizer_bytes += stored_bytes(value);
      has_states = true;
    }
    if (value.role != Role::kTrainable) continue;
    account.adapter_bytes += stored_bytes(value);
    account.trainable_elements += element_count(value.shape);
  }
  account.gradient_bytes = account.adapter_bytes;  // both F32
  if (!has_states) account.optimizer_bytes = moments * account.adapter_bytes;
}

/// The computed values of the forward pass that the backward pass reads, each in one class: a
/// weight gradient's operand, unless something else needs it anyway.
void count_stash(const Graph& graph, std::size_t forward_ops, StepAccount& account) {
  std::set<ValueId> forward;
  for (std::size_t i = 0; i < forward_ops; ++i) {
    const Op& op = graph.ops[i];
    if (copies_parameter(graph, op)) continue;
    for (const ValueId id : results_of(op)) forward.insert(id);
  }
  std::set<ValueId> by_weight_gradients, by_loss, by_others;
  for (std::size_t i = forward_ops; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    if (is_update(graph, op)) continue;
    if (const Contraction* contraction = contraction_of(op)) {
      for (const Term& term : contraction->terms) {
        const bool weight = term.kind.pass == Pass::kWeightGradient;
        std::set<ValueId>& readers = weight ? by_weight_gradients : by_others;
        readers.insert(term.left);
        readers.insert(term.right);
      }
      continue;
    }
    const bool loss = traits_of(op).op_class == OpClass::kLoss;
    const bool weight = origin_of(graph, op).kind.pass == Pass::kWeightGradient;
    std::set<ValueId>& readers = loss ? by_loss : weight ? by_weight_gradients : by_others;
    for (const ValueId id : operands_of(op)) readers.insert(id);
  }
  for (const ValueId id : forward) {
    const std::int64_t bytes = stored_bytes(graph.value(id));
    if (by_loss.count(id) > 0) {
      account.loss_stash_bytes += bytes;
    } else if (by_others.count(id) > 0) {
      account.nonlinear_stash_bytes += bytes;
    } else if (by_weight_gradients.count(id) > 0) {
      account.adapter_stash_bytes += bytes;
    }
  }
}

}  // namespace

bool copies_parameter(const Graph& graph, const Op& op) {
  return traits_of(op).op_class == OpClass::kCopy &&
         !is_computed(graph.value(operands_of(op).front()));
}

std::int64_t peak_bytes_of(const Graph& graph, const std::set<ValueId>& passing) {
  const std::vector<std::size_t> last = last_uses(graph);
  std::int64_t live = 0;
  std::vector<std::int64_t> freed(graph.ops.size());
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (!is_computed(value) && value.role != Role::kConstants) live += stored_bytes(value);
    const bool passes =
        value.role == Role::kIntermediate || passing.count(static_cast<ValueId>(id)) > 0;
    if (passes && !graph.ops.empty()) freed[last[id]] += stored_bytes(value);
  }
  std::int64_t peak = live;
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    for (const ValueId id : results_of(graph.ops[i])) live += stored_bytes(graph.value(id));
    peak = std::max(peak, live);
    live -= freed[i];
  }
  return peak;
}

StepAccount account_of(const Graph& graph, std::size_t forward_ops, int moments) {
  StepAccount account;
  count_macs(graph, account);
  count_parameters(graph, account, moments);
  count_stash(graph, forward_ops, account);
  const bool has_states =
      std::any_of(graph.values.begin(), graph.values.end(),
                  [](const Value& value) { return value.role == Role::kState; });
  account.peak_bytes = peak_bytes_of(graph) + (has_states ? 0 : account.optimizer_bytes);
  return account;
}

std::int64_t stash_bytes_of(const StepAccount& account) {
  return account.adapter_stash_bytes + account.nonlinear_stash_bytes + account.loss_stash_bytes;
}

std::int64_t macs_of(const StepAccount& account, Part part, Pass pass) {
  std::int64_t sum = 0;
  for (const MacsOfKind& entry : account.macs) {
    if (entry.kind == GemmKind{part, pass}) sum += entry.macs;
  }
  return sum;
}

}  // namespace corank
