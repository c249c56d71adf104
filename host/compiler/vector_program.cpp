#include "host/compiler/vector_program.h"

#include <algorithm>
#include <tuple>

#include "host/compiler/ceil_div.h"
#include "models/base/numerics.h"
#include "rtl/interface/interface.h"

namespace corank {

bool operator==(const FedImmediate& a, const FedImmediate& b) {
  const auto key = [](const FedImmediate& one) {
    const Dropout dropout = one.dropout.value_or(Dropout{});
    return std::tuple(one.instruction, one.value, one.element, one.dropout.has_value(),
                      dropout.seed, dropout.stream, dropout.rate);
  };
  return key(a) == key(b);
}

std::uint32_t word_of(const FedImmediate& immediate, const Tensor& fed) {
  if (!immediate.dropout) return bits_of(fed.data<float>()[immediate.element]);
  const DropoutConstants constants = constants_of(*immediate.dropout, *fed.data<std::int64_t>());
  return static_cast<std::uint32_t>(word_of(constants, immediate.element));
}

bool operator==(const VectorProgram& a, const VectorProgram& b) {
  return a.instructions == b.instructions && a.fed == b.fed;
}

void set_immediate(std::uint64_t& instruction, std::uint32_t word) {
  interface::VectorInstruction fields = interface::decode_vector_instruction(instruction);
  fields.immediate = word;
  instruction = interface::encode(fields);
}

Programs gather(const std::vector<const VectorProgram*>& programs) {
  std::vector<std::size_t> original;  // of each, the first one that is equal
  std::size_t instructions = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto known =
        std::find_if(programs.begin(), programs.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](const VectorProgram* other) { return *other == *programs[i]; });
    original.push_back(static_cast<std::size_t>(known - programs.begin()));
    if (original.back() == i) instructions += programs[i]->size();
  }
  const bool fit = instructions <= interface::kProgramInstructions;
  Programs all;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const VectorProgram& program = *programs[i];
    if (original[i] < i) {
      all.places.push_back(all.places[original[i]]);
      continue;
    }
    if (!fit) {
      const auto rows = static_cast<std::size_t>(rows_of(all));
      all.instructions.resize(rows * static_cast<std::size_t>(kInstructionsPerRow));
    }
    all.places.push_back({all.instructions.size(), program.size()});
    for (FedImmediate fed : program.fed) {
      fed.instruction += all.instructions.size();
      all.fed.push_back(fed);
    }
    all.instructions.insert(all.instructions.end(), program.instructions.begin(),
                            program.instructions.end());
  }
  return all;
}

std::int64_t rows_of(const Programs& programs) {
  return ceil_div(static_cast<std::int64_t>(programs.instructions.size()), kInstructionsPerRow);
}

BeatCycles beat_cycles(const VectorProgram& program) {
  BeatCycles cycles;
  for (const std::uint64_t instruction : program.instructions) {
    const interface::VectorInstruction one = interface::decode_vector_instruction(instruction);
    (one.once ? cycles.once : cycles.strips) +=
        interface::is_iterative(one.opcode) ? interface::kDivideInterval : 1;
  }
  return cycles;
}

std::int64_t cycles_per_beat(const VectorProgram& program) {
  const BeatCycles cycles = beat_cycles(program);
  return cycles.strips + cycles.once;
}

}  // namespace corank
