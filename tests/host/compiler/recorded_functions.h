// Functions of one number, as the reference computes them and as programs of the vector unit that
// are recorded from the same bodies.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/vector_program.h"
#include "sim/cycle/local_memory.h"

namespace corank::test {

struct RecordedFunction {
  std::string name;
  float (*function)(const float&);  // to be called within a FloatEnvironment
  VectorProgram program;            // of stream 0, to stream 1
};

/// exp, ln, tanh, erf, sigmoid, the reciprocal root; the activations and their slopes.
std::vector<RecordedFunction> recorded_functions();

std::vector<interface::VectorInstruction> decoded(const VectorProgram& program);

/// Runs a program as the cycle model does, over the region and streams of a command.
void run_on_model(const VectorProgram& program, interface::VectorCommand command,
                  std::uint64_t vector_lanes, cycle_model::LocalMemories& local);

}  // namespace corank::test
