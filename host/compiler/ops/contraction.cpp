#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/recorder.h"

namespace corank {

namespace {

std::string why_not(const Graph& graph, const Contraction& op) {
  for (const Term& term : op.terms) {
    const Value& left = graph.value(term.left);
    if (left.dtype != DType::BF16) return " on operands of F32";
  }
  return "";
}

// Sums that are the result as they are go to memory without the vector unit.
VectorProgram epilogue(const Graph& graph, const Contraction& op) {
  if (op.scale == 1.0f && !op.bias && graph.value(op.out).dtype == DType::F32) return {};
  Recorder recorder;
  Recorded sum = recorder.load(kEpilogueSum);
  if (op.scale != 1.0f) sum = sum * op.scale;
  if (op.bias) sum = sum + recorder.load(kEpilogueBias);
  recorder.store(kEpilogueOut, sum);
  return recorder.program();
}

}  // namespace

OpLowering lowering_of(const Graph& graph, const Contraction& op) {
  return {why_not(graph, op), {}, epilogue(graph, op)};
}

}  // namespace corank
