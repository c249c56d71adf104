#include "host/compiler/vector_program.h"

#include <variant>

#include "host/compiler/recorder.h"
#include "host/compiler/supported.h"
#include "rtl/interface/interface.h"

namespace corank {

using interface::VectorOpcode;

VectorProgram epilogue_program(float scale, bool bias) {
  Recorder recorder;
  Recorded sum = recorder.load(kEpilogueSum);
  if (scale != 1.0f) sum = sum * scale;
  if (bias) sum = sum + recorder.load(kEpilogueBias);
  recorder.store(kEpilogueOut, sum);
  return recorder.program();
}

VectorProgram convert_program() {
  Recorder recorder;
  const Recorded in = recorder.load(kConvertIn);
  recorder.store(kConvertOut, element_of(Convert{}, in));
  return recorder.program();
}

VectorProgram adamw_program(const AdamWConstants& constants) {
  Recorder recorder;
  Recorded parameter = recorder.load(kAdamWParameter);
  const Recorded gradient = recorder.load(kAdamWGradient);
  Recorded first_moment = recorder.load(kAdamWFirstMoment);
  Recorded second_moment = recorder.load(kAdamWSecondMoment);
  update_element(constants, gradient, parameter, first_moment, second_moment);
  recorder.store(kAdamWParameter, parameter);
  recorder.store(kAdamWFirstMoment, first_moment);
  recorder.store(kAdamWSecondMoment, second_moment);
  return recorder.program();
}

bool needs_epilogue(const Graph& graph, const Contraction& op) {
  return op.scale != 1.0f || op.bias || graph.value(op.out).dtype == DType::BF16;
}

VectorProgram program_of(const Graph& graph, const Contraction& op) {
  return needs_epilogue(graph, op) ? epilogue_program(op.scale, op.bias.has_value())
                                   : VectorProgram{};
}

VectorProgram program_of(const Graph& graph, const Op& op) {
  if (const auto* contraction = std::get_if<Contraction>(&op))
    return program_of(graph, *contraction);
  if (std::holds_alternative<Convert>(op)) return convert_program();
  if (const auto* adamw = std::get_if<AdamW>(&op)) return adamw_program(adamw->constants);
  refuse_op(graph, op, "");
}

std::int64_t cycles_per_beat(const VectorProgram& program) {
  std::int64_t cycles = 0;
  for (const std::uint64_t instruction : program) {
    const VectorOpcode opcode = interface::decode_vector_instruction(instruction).opcode;
    cycles += interface::is_iterative(opcode) ? interface::kDivideInterval : 1;
  }
  return cycles;
}

}  // namespace corank
