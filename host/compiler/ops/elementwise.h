// What the records of element-wise ops are made of: their streams, and the body of their arithmetic
// (models/ops/op.h), recorded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/ops/regions.h"
#include "host/compiler/recorder.h"
#include "models/ops/checks.h"

namespace corank {
namespace detail {

template <std::size_t... I>
std::array<Recorded, sizeof...(I)> load_all(Recorder& recorder, std::index_sequence<I...>) {
  return {recorder.load(static_cast<int>(I))...};
}

}  // namespace detail

/// out = element_of(op, operands...), with the operands in the body's order.
template <class X, std::size_t N>
OpLowering computed(const X& op, const std::array<ElementStream, N>& operands, ValueId out) {
  Recorder recorder;
  const auto numbers = detail::load_all(recorder, std::make_index_sequence<N>());
  const auto element = [&](const auto&... each) -> decltype(auto) {
    return element_of(op, each...);
  };
  recorder.store(static_cast<int>(N), std::apply(element, numbers));
  OpLowering lowering{"", {operands.begin(), operands.end()}, recorder.program()};
  lowering.streams.push_back({-1, out});
  return lowering;
}

/// The results take the operands' places: `update` changes the numbers of the streams.
template <std::size_t N, class Update>
OpLowering updated(const std::array<ElementStream, N>& streams, const Update& update) {
  Recorder recorder;
  auto numbers = detail::load_all(recorder, std::make_index_sequence<N>());
  std::apply(update, numbers);
  for (std::size_t i = 0; i < N; ++i)
    if (streams[i].result >= 0) recorder.store(static_cast<int>(i), numbers[i]);
  return {"", {streams.begin(), streams.end()}, recorder.program()};
}

/// out = element_of(op, left, right), where the rows of the right operand are used again and again
/// (models/ops/add.h): where it has neither one nor all, tiles are cut at its ends.
template <class X>
OpLowering computed_with_rows(const Graph& graph, const X& op) {
  const std::int64_t rows = rows_of(graph.value(op.left));
  const std::int64_t right_rows = rows_of(graph.value(op.right));
  OpLowering lowering =
      computed<X, 2>(op, {{{op.left, -1, false}, {op.right, -1, right_rows < rows}}}, op.out);
  if (right_rows == 1 || right_rows == rows) return lowering;
  return over_region(one_step(graph, op.left,
                              {elements(op.left), elements(op.right), result(op.out)},
                              Walk::kElements, std::move(lowering.program)));
}

}  // namespace corank
