#include "host/report/step_bound.h"

#include <algorithm>
#include <limits>
#include <set>

namespace corank {
namespace {

constexpr double kOperandBytes = 2, kSumBytes = 4;

// With k groups one above the other, for the best k: `down` is the dimension that they divide.
double least_with_whole_groups(double down, double across, double depth, const LocalBytes& local) {
  const double all_groups = down * across / (local.accumulators / kSumBytes);
  const double down_bytes = kOperandBytes * down * depth;
  const double across_bytes = kOperandBytes * across * depth;
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t group = 1; group <= static_cast<std::int64_t>(down); ++group) {
    const auto k = static_cast<double>(group);
    const double groups = all_groups * (down_bytes / k > local.scratchpad ? 1 : 2);
    least = std::min(least, k * across_bytes + std::max(1.0, all_groups / k) * down_bytes -
                                (groups - 1) * local.scratchpad);
  }
  return least;
}

double bytes_of_value(const Value& value) { return static_cast<double>(stored_bytes(value)); }

const Term* frozen_term(const Graph& graph, const Op& op) {
  const Contraction* contraction = contraction_of(op);
  if (contraction == nullptr) return nullptr;
  const auto term =
      std::find_if(contraction->terms.begin(), contraction->terms.end(),
                   [&](const Term& t) { return graph.value(t.right).role == Role::kFrozen; });
  return term == contraction->terms.end() ? nullptr : &*term;
}

// Reads of the ops [begin, end), which are one pass.
double least_reads(const Graph& graph, std::size_t begin, std::size_t end,
                   const LocalBytes& local) {
  std::set<ValueId> computed, in_products, others;
  for (const Op& op : graph.ops) {
    for (const ValueId id : results_of(op)) computed.insert(id);
  }
  double bytes = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const Op& op = graph.ops[i];
    for (const ValueId id : operands_of(op)) {
      if (graph.value(id).role != Role::kConstants) others.insert(id);  // they lie in the programs
    }
    const Term* term = frozen_term(graph, op);
    if (term == nullptr) continue;
    const Shape& left = graph.value(term->left).shape;
    const Shape& right = graph.value(term->right).shape;
    bytes += least_operand_bytes(term->left_transposed ? left[1] : left[0],
                                 term->right_transposed ? right[0] : right[1],
                                 term->left_transposed ? left[0] : left[1], local);
    in_products.insert({term->left, term->right});
  }
  for (const ValueId id : others) {
    if (computed.count(id) == 0 && in_products.count(id) == 0)
      bytes += bytes_of_value(graph.value(id));
  }
  return bytes;
}

}  // namespace

bool is_backward_product(const Op& op) {
  const Contraction* contraction = contraction_of(op);
  return contraction != nullptr && contraction->terms.front().kind.pass != Pass::kForward;
}

LocalBytes local_bytes(const MachineShape& machine) {
  return {1024.0 * machine.scratchpad_kib, 1024.0 * machine.accumulator_kib};
}

double least_operand_bytes(std::int64_t rows, std::int64_t columns, std::int64_t depth,
                           const LocalBytes& local) {
  const auto r = static_cast<double>(rows), c = static_cast<double>(columns),
             d = static_cast<double>(depth);
  const double once = kOperandBytes * (r + c) * d;
  if (r * c * kSumBytes <= local.accumulators) return once;
  return std::max(
      {once, least_with_whole_groups(r, c, d, local), least_with_whole_groups(c, r, d, local)});
}

double least_bytes(const Graph& graph, const LocalBytes& local) {
  const auto backward = static_cast<std::size_t>(
      std::find_if(graph.ops.begin(), graph.ops.end(), is_backward_product) - graph.ops.begin());
  const double forward_reads = least_reads(graph, 0, backward, local);
  const double backward_reads = least_reads(graph, backward, graph.ops.size(), local);
  double writes = 0;
  for (const Op& op : graph.ops) {
    for (const ValueId id : results_of(op)) {
      if (graph.value(id).role == Role::kResult) writes += bytes_of_value(graph.value(id));
    }
  }
  return forward_reads + std::max(0.0, backward_reads - local.scratchpad - local.accumulators) +
         writes;
}

StepBound step_bound(const Graph& graph, const MachineShape& machine, double bytes_per_cycle) {
  StepBound bound;
  double macs = 0;
  for (const Op& op : graph.ops) {
    const Contraction* contraction = contraction_of(op);
    if (contraction == nullptr) continue;
    for (const Term& term : contraction->terms) macs += static_cast<double>(macs_of(graph, term));
  }
  bound.array_cycles = macs / (machine.array_rows * machine.array_columns);
  bound.bytes = least_bytes(graph, local_bytes(machine));
  bound.memory_cycles = bound.bytes / bytes_per_cycle;
  return bound;
}

}  // namespace corank
