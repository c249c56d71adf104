#include "host/compiler/ops/op_lowering.h"

#include <fmt/format.h>

#include <type_traits>
#include <variant>

#include "models/base/error.h"

namespace corank {
namespace {

template <class X, class = void>
struct IsLowered : std::false_type {};
template <class X>
struct IsLowered<
    X, std::void_t<decltype(lowering_of(std::declval<const Graph&>(), std::declval<const X&>()))>>
    : std::true_type {};

[[noreturn]] void refuse(const Graph& graph, const Op& op, const std::string& why) {
  throw InputError(fmt::format("{}: the accelerator does not run the op {} yet{}",
                               result_name(graph, op), name_of(op), why));
}

}  // namespace

std::vector<OpLowering> lowerings_of(const Graph& graph) {
  std::vector<OpLowering> lowerings;
  for (const Op& op : graph.ops) {
    std::visit(
        [&](const auto& x) {
          if constexpr (IsLowered<std::decay_t<decltype(x)>>::value) {
            lowerings.push_back(lowering_of(graph, x));
          } else {
            refuse(graph, op, "");
          }
        },
        op);
    if (!lowerings.back().why_not.empty()) refuse(graph, op, lowerings.back().why_not);
  }
  return lowerings;
}

}  // namespace corank
