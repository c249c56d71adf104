#include "host/compiler/ops/op_lowering.h"

#include <fmt/format.h>

#include <type_traits>
#include <variant>

#include "host/compiler/ops/regions.h"
#include "models/base/error.h"

namespace corank {
namespace {

template <class X, class = void>
struct IsLowered : std::false_type {};
template <class X>
struct IsLowered<
    X, std::void_t<decltype(lowering_of(std::declval<const Graph&>(), std::declval<const X&>()))>>
    : std::true_type {};

// What an op reads as constants must be fed as such, and nothing else is.
std::string wrong_constants(const Graph& graph, const OpLowering& lowering) {
  for (const FedImmediate& fed : lowering.program.fed) {
    const Value& value = graph.value(fed.value);
    if (!fed.dropout && value.role != Role::kConstants)
      return " with " + value.name + ", which is not fed as a constant";
  }
  for (const ElementStream& stream : lowering.streams) {
    if (stream.operand < 0 || graph.value(stream.operand).role != Role::kConstants) continue;
    return " with elements of the constants " + graph.value(stream.operand).name;
  }
  return "";
}

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
    OpLowering& lowering = lowerings.back();
    for (RegionPass& pass : lowering.passes) pass.copy = copy_program();
    if (lowering.why_not.empty()) lowering.why_not = wrong_constants(graph, lowering);
    if (!lowering.why_not.empty()) refuse(graph, op, lowering.why_not);
  }
  return lowerings;
}

}  // namespace corank
