#include "host/compiler/supported.h"

#include <fmt/format.h>

#include "models/base/error.h"

namespace corank {

void refuse_op(const Graph& graph, const Op& op, const std::string& reason) {
  throw InputError(fmt::format("{}: the accelerator does not run the op {} yet{}",
                               result_name(graph, op), name_of(op), reason));
}

void check_supported(const Graph& graph) {
  for (const Op& op : graph.ops) {
    if (std::holds_alternative<Convert>(op) || std::holds_alternative<AdamW>(op)) continue;
    const auto* contraction = std::get_if<Contraction>(&op);
    if (contraction == nullptr) refuse_op(graph, op, "");
    for (const Term& term : contraction->terms) {
      const Value& left = graph.value(term.left);
      if (left.shape.size() > 2) refuse_op(graph, op, " on batches of matrices");
      if (left.dtype != DType::BF16) refuse_op(graph, op, " on operands of F32");
      if (term.kind.part == Part::kAttention || term.kind.part == Part::kHead) {
        refuse_op(graph, op, " of the kind " + to_string(term.kind));
      }
    }
  }
}

}  // namespace corank
