#include "tests/host/compiler/recorded_functions.h"

#include "host/compiler/recorder.h"
#include "models/numerics/functions.h"
#include "models/ops/activation_functions.h"
#include "sim/cycle/vector_kernel.h"

namespace corank::test {
namespace {

/// `body` computes a result of a number, whatever the type of both.
template <class Body>
RecordedFunction recorded(const std::string& name, const Body& body) {
  Recorder recorder;
  {
    const Recorded x = recorder.load(0);
    const Recorded result = body(x);
    recorder.store(1, result);
  }
  return {name, body, recorder.program()};
}

template <class Function>
RecordedFunction activation(const std::string& name) {
  return recorded(name, [](const auto& x) { return activated<Function>(x); });
}
template <class Function>
RecordedFunction slope(const std::string& name) {
  return recorded(name, [](const auto& x) { return activation_slope<Function>(x); });
}

}  // namespace

std::vector<interface::VectorInstruction> decoded(const VectorProgram& program) {
  std::vector<interface::VectorInstruction> instructions;
  for (const std::uint64_t word : program.instructions)
    instructions.push_back(interface::decode_vector_instruction(word));
  return instructions;
}

std::vector<RecordedFunction> recorded_functions() {
  return {recorded("exp", [](const auto& x) { return exponential(x); }),
          recorded("exp of -x", [](const auto& x) { return exponential_of_negative(x); }),
          recorded("ln", [](const auto& x) { return logarithm(x); }),
          recorded("tanh", [](const auto& x) { return hyperbolic_tangent(x); }),
          recorded("erf", [](const auto& x) { return error_function(x); }),
          recorded("sigmoid", [](const auto& x) { return sigmoid(x); }),
          recorded("1 / sqrt", [](const auto& x) { return reciprocal_root(x); }),
          activation<Silu>("SiLU"),
          activation<GeluErf>("GELU (erf)"),
          activation<GeluTanh>("GELU (tanh)"),
          activation<Relu>("ReLU"),
          slope<Silu>("slope of SiLU"),
          slope<GeluErf>("slope of GELU (erf)"),
          slope<GeluTanh>("slope of GELU (tanh)"),
          slope<Tanh>("slope of tanh"),
          slope<Relu>("slope of ReLU")};
}

void run_on_model(const VectorProgram& program, interface::VectorCommand command,
                  std::uint64_t vector_lanes, cycle_model::LocalMemories& local) {
  cycle_model::ProgramMemory memory;
  memory.write(0, reinterpret_cast<const std::uint8_t*>(program.instructions.data()),
               program.size(), sizeof(std::uint64_t));
  command.first_instruction = 0;
  command.length = static_cast<std::uint32_t>(program.size());
  const cycle_model::VectorProgram decoded(command, memory);
  const cycle_model::VectorWalk walk(command, vector_lanes);
  cycle_model::VectorKernel(vector_lanes).run(command, decoded, walk, local);
}

}  // namespace corank::test
