#include "models/graph/graph_text.h"

namespace corank {
namespace {

const char* name_of(Role role) {
  switch (role) {
    case Role::kConstants:
      return "constants";
    case Role::kInput:
      return "input";
    case Role::kFrozen:
      return "frozen";
    case Role::kTrainable:
      return "trainable";
    case Role::kState:
      return "state";
    case Role::kIntermediate:
      return "intermediate";
    case Role::kResult:
      return "result";
  }
  return "";  // not reached: every role stands above
}

std::string text_of(const Value& value) {
  return value.name + " " + name_of(value.dtype) + to_string(value.shape) + " " +
         name_of(value.role);
}

}  // namespace

std::string to_text(const Graph& graph) {
  std::string text;
  for (const Value& value : graph.values) {
    if (!is_computed(value)) text += text_of(value) + "\n";
  }
  for (const Op& op : graph.ops) {
    std::string results, operands;
    for (const ValueId id : results_of(op))
      results += (results.empty() ? "" : ", ") + text_of(graph.value(id));
    for (const ValueId id : operands_of(op))
      operands += (operands.empty() ? "" : ", ") + graph.value(id).name;
    text += results + " = " + name_of(op) + "(" + operands + ")\n";
  }
  return text;
}

}  // namespace corank
