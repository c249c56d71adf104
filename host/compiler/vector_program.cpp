#include "host/compiler/vector_program.h"

#include <variant>

#include "host/compiler/supported.h"
#include "models/base/numerics.h"
#include "rtl/interface/interface.h"

namespace corank {
namespace {

using interface::VectorOpcode;

// Appends instructions; registers are 0..15, field positions as in rtl/interface/interface.yaml.
class Builder {
 public:
  void load(int destination, int stream) { emit(VectorOpcode::kLoad, destination, 0, 0, stream); }
  void store(int stream, int a) { emit(VectorOpcode::kStore, 0, a, 0, stream); }
  void add(int destination, int a, int b) { emit(VectorOpcode::kAdd, destination, a, b, 0); }
  void add(int destination, int a, float b) {
    emit_immediate(VectorOpcode::kAdd, destination, a, b);
  }
  void subtract(int destination, int a, int b) {
    emit(VectorOpcode::kSubtract, destination, a, b, 0);
  }
  void multiply(int destination, int a, int b) {
    emit(VectorOpcode::kMultiply, destination, a, b, 0);
  }
  void multiply(int destination, int a, float b) {
    emit_immediate(VectorOpcode::kMultiply, destination, a, b);
  }
  void divide(int destination, int a, int b) { emit(VectorOpcode::kDivide, destination, a, b, 0); }
  void divide(int destination, int a, float b) {
    emit_immediate(VectorOpcode::kDivide, destination, a, b);
  }
  void square_root(int destination, int a) {
    emit(VectorOpcode::kSquareRoot, destination, a, 0, 0);
  }

  VectorProgram program;

 private:
  void emit(VectorOpcode opcode, int destination, int a, int b, int stream) {
    program.push_back(static_cast<std::uint64_t>(opcode) << 32 |
                      static_cast<std::uint64_t>(destination) << 40 |
                      static_cast<std::uint64_t>(a) << 44 | static_cast<std::uint64_t>(b) << 48 |
                      static_cast<std::uint64_t>(stream) << 54);
  }
  void emit_immediate(VectorOpcode opcode, int destination, int a, float b) {
    emit(opcode, destination, a, 0, 0);
    program.back() |= std::uint64_t{1} << 52 | bits_of(b);
  }
};

}  // namespace

VectorProgram epilogue_program(float scale, bool bias) {
  Builder builder;
  builder.load(0, kEpilogueSum);
  if (scale != 1.0f) builder.multiply(0, 0, scale);
  if (bias) {
    builder.load(1, kEpilogueBias);
    builder.add(0, 0, 1);
  }
  builder.store(kEpilogueOut, 0);
  return builder.program;
}

VectorProgram convert_program() {
  Builder builder;
  builder.load(0, kConvertIn);
  builder.store(kConvertOut, 0);
  return builder.program;
}

VectorProgram adamw_program(const AdamWConstants& c) {
  const int w = 0, g = 1, m = 2, v = 3, t = 4, d = 5;
  Builder builder;
  builder.load(w, kAdamWParameter);
  builder.load(g, kAdamWGradient);
  builder.load(m, kAdamWFirstMoment);
  builder.load(v, kAdamWSecondMoment);
  if (c.decay != 1.0f) builder.multiply(w, w, c.decay);
  builder.subtract(t, g, m);
  builder.multiply(t, t, c.one_minus_beta1);
  builder.add(m, m, t);
  builder.store(kAdamWFirstMoment, m);
  builder.multiply(v, v, c.beta2);
  builder.multiply(t, g, c.one_minus_beta2);
  builder.multiply(t, t, g);
  builder.add(v, v, t);
  builder.store(kAdamWSecondMoment, v);
  builder.square_root(d, v);
  builder.divide(d, d, c.root_bias_correction2);
  builder.add(d, d, c.epsilon);
  builder.multiply(t, m, c.negative_step_size);
  builder.divide(t, t, d);
  builder.add(w, w, t);
  builder.store(kAdamWParameter, w);
  return builder.program;
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
  constexpr std::int64_t kDivideInterval = 15;  // fp32_divide_sqrt.sv, two digits a cycle
  std::int64_t cycles = 0;
  for (const std::uint64_t instruction : program) {
    const auto opcode = static_cast<VectorOpcode>(instruction >> 32 & 0xff);
    const bool iterative = opcode == VectorOpcode::kDivide || opcode == VectorOpcode::kSquareRoot;
    cycles += iterative ? kDivideInterval : 1;
  }
  return cycles;
}

}  // namespace corank
