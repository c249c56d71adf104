#include "models/graph/graph_rewriter.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/error.h"

namespace corank {
namespace {

bool holds(const std::vector<ValueId>& ids, ValueId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::string unique_name(const Graph& graph, const std::string& name) {
  std::string unique = name;
  for (int i = 2; find_value(graph, unique); ++i) unique = name + "." + std::to_string(i);
  return unique;
}

}  // namespace

std::size_t GraphRewriter::position_of_writer(ValueId value) const {
  for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
    if (holds(results_of(graph_.ops[i]), value)) return i;
  }
  throw InputError(graph_.value(value).name + ": no op computes this value");
}

std::vector<std::size_t> GraphRewriter::uses(Span span, ValueId value) const {
  std::vector<std::size_t> positions;
  std::set<ValueId> needed = {span.out};
  for (std::size_t i = graph_.ops.size(); i-- > 0;) {
    const std::vector<ValueId> results = results_of(graph_.ops[i]);
    const bool inside = std::any_of(results.begin(), results.end(),
                                    [&](ValueId id) { return needed.count(id) > 0; });
    if (!inside) continue;
    const std::vector<ValueId> operands = operands_of(graph_.ops[i]);
    if (holds(operands, value)) positions.push_back(i);
    for (const ValueId id : operands) {
      if (id != span.in) needed.insert(id);
    }
  }
  if (positions.empty()) {
    throw InputError(graph_.value(value).name + ": no op on the way to " +
                     graph_.value(span.out).name + " reads this value");
  }
  std::reverse(positions.begin(), positions.end());
  return positions;
}

void GraphRewriter::insert_at(std::size_t position, const Origin& origin, const Append& append) {
  const Origin before = std::exchange(graph_.origin, origin);
  const auto appended = static_cast<std::ptrdiff_t>(graph_.ops.size());
  append();
  // Not std::rotate: it swaps ops, and the swap of each kind with each takes minutes to compile.
  const auto first = graph_.ops.begin() + appended;
  std::vector<Op> moved(std::make_move_iterator(first), std::make_move_iterator(graph_.ops.end()));
  graph_.ops.erase(first, graph_.ops.end());
  graph_.ops.insert(graph_.ops.begin() + static_cast<std::ptrdiff_t>(position),
                    std::make_move_iterator(moved.begin()), std::make_move_iterator(moved.end()));
  graph_.origin = before;
}

Op& GraphRewriter::writer_of(ValueId value) { return graph_.ops[position_of_writer(value)]; }

void GraphRewriter::insert_first(const Append& append) { insert_at(0, {}, append); }

void GraphRewriter::insert_before(ValueId value, const Append& append) {
  insert_at(position_of_writer(value), graph_.value(value).origin, append);
}

void GraphRewriter::insert_before_uses(Span span, ValueId value, const Append& append) {
  insert_at(uses(span, value).front(), graph_.value(span.out).origin, append);
}

void GraphRewriter::insert_after(ValueId value, const std::string& name,
                                 const std::function<void(ValueId base)>& append) {
  const std::size_t position = position_of_writer(value);
  const Value like = graph_.value(value);
  const ValueId base =
      add_value(graph_, {unique_name(graph_, name), like.shape, like.dtype, Role::kIntermediate},
                like.origin);
  replace_results(graph_.ops[position], [&](ValueId id) { return id == value ? base : id; });
  insert_at(position + 1, like.origin, [&] { append(base); });
}

void GraphRewriter::replace_uses(Span span, ValueId from, ValueId to) {
  for (const std::size_t position : uses(span, from)) {
    replace_operands(graph_.ops[position], [&](ValueId id) { return id == from ? to : id; });
  }
}

}  // namespace corank
