#include "sim/cycle/vector_kernel.h"

#include <algorithm>

#include "models/base/numerics.h"
#include "sim/cycle/vector_instructions.h"

namespace corank::cycle_model {

namespace {

using interface::VectorInstruction;
using interface::VectorOpcode;

VectorStream stream_of(std::uint32_t place, std::uint32_t stride, std::uint32_t column) {
  const interface::StreamWord word = interface::decode_stream_word(place);
  return {word.line,
          stride,
          word.accumulator,
          word.transposed,
          word.broadcast_row,
          word.broadcast_column,
          column};
}

}  // namespace

std::array<VectorStream, 4> streams_of(const interface::VectorCommand& command) {
  return {stream_of(command.stream0, command.stride0, command.column0),
          stream_of(command.stream1, command.stride1, command.column1),
          stream_of(command.stream2, command.stride2, command.column2),
          stream_of(command.stream3, command.stride3, command.column3)};
}

VectorKernel::VectorKernel(std::uint64_t vector_lanes)
    : vector_lanes_(vector_lanes),
      immediate_(kStripBeats * vector_lanes),
      exchanged_(kStripBeats * vector_lanes) {
  registers_.fill(std::vector<std::uint32_t>(kStripBeats * vector_lanes));
}

void VectorKernel::run(const interface::VectorCommand& command, const VectorProgram& program,
                       const VectorWalk& walk, LocalMemories& local) {
  const FloatEnvironment as_the_device;
  streams_ = streams_of(command);
  first_row_ = command.first_row;
  first_column_ = command.first_column;
  for (std::uint64_t g = 0; g < walk.groups(); ++g) {
    const VectorGroup group = walk.group(g);
    for (const VectorSection& section : program.sections) {
      const std::uint64_t strips = section.once ? 1 : group.strips;
      for (std::uint64_t strip = 0; strip < strips; ++strip)
        run_strip(program, section, walk, group, strip, local);
    }
  }
}

void VectorKernel::run_strip(const VectorProgram& program, const VectorSection& section,
                             const VectorWalk& walk, const VectorGroup& group, std::uint64_t strip,
                             LocalMemories& local) {
  Operation operation;
  std::size_t placed = 0;  // places that are right for instructions as the last one
  bool once = false;
  for (std::size_t i = section.first; i < section.end; ++i) {
    VectorInstruction& instruction = operation.instruction = program.instructions[i];
    operation.beats = walk.beats_of(instruction, group, strip);
    if (instruction.once != once) placed = 0;
    once = instruction.once;
    for (; placed < operation.beats; ++placed)
      operation.places[placed] = walk.beat(instruction, group, strip, placed);
    if (instruction.alternate && !once && strip % 2 == 1) {
      instruction.destination ^= 1;
      (instruction.opcode == VectorOpcode::kMultiplyAdd ? instruction.c : instruction.a) ^= 1;
    }
    execute(operation, local);
  }
}

void VectorKernel::execute(const Operation& operation, LocalMemories& local) {
  switch (operation.instruction.opcode) {
    case VectorOpcode::kLoad:
      return load(operation, local);
    case VectorOpcode::kStore:
      return store(operation, local);
    case VectorOpcode::kRowNumber:
    case VectorOpcode::kColumnNumber:
      return number(operation);
    default:
      return compute(operation);
  }
}

void VectorKernel::load(const Operation& operation, LocalMemories& local) {
  const VectorStream& stream = streams_[operation.instruction.stream];
  const std::uint32_t lanes = local.scratchpad.lanes();
  std::uint32_t* to = registers_[operation.instruction.destination].data();
  // From element to element of a beat.
  const std::size_t step = stream.broadcast_column ? 0 : stream.transposed ? lanes : 1;
  for (std::size_t k = 0; k < operation.beats; ++k) {
    const VectorBeat& beat = operation.places[k];
    const VectorStream::Place place = stream.place(beat.row, beat.column, lanes);
    const auto line = static_cast<std::uint32_t>(place.line);
    if (stream.accumulator) {
      const float* from = local.accumulator.line(line) + place.column;
      for (std::size_t n = 0; n < beat.count; ++n) to[n] = bits_of(from[n * step]);
    } else {
      const std::uint16_t* from = local.scratchpad.line(line) + place.column;
      for (std::size_t n = 0; n < beat.count; ++n) to[n] = bits_of(widen(from[n * step]));
    }
    to += vector_lanes_;
  }
}

void VectorKernel::store(const Operation& operation, LocalMemories& local) {
  const VectorStream& stream = streams_[operation.instruction.stream];
  const std::uint32_t lanes = local.scratchpad.lanes();
  const bool exact = operation.instruction.b_immediate;
  const auto narrow = [=](std::uint32_t word) {
    return exact ? static_cast<std::uint16_t>(word >> 16) : round_to_bf16(float_from_bits(word));
  };
  const std::uint32_t* from = first_operand(operation).data();
  const std::size_t step = stream.transposed ? lanes : 1;
  for (std::size_t k = 0; k < operation.beats; ++k) {
    const VectorBeat& beat = operation.places[k];
    const VectorStream::Place place = stream.place(beat.row, beat.column, lanes);
    const auto line = static_cast<std::uint32_t>(place.line);
    const std::size_t count = stream.accessed(beat.count);
    if (stream.accumulator) {
      float* to = local.accumulator.line(line) + place.column;
      for (std::size_t n = 0; n < count; ++n) to[n * step] = float_from_bits(from[n]);
    } else {
      std::uint16_t* to = local.scratchpad.line(line) + place.column;
      for (std::size_t n = 0; n < count; ++n) to[n * step] = narrow(from[n]);
    }
    from += vector_lanes_;
  }
}

void VectorKernel::number(const Operation& operation) {
  const bool of_row = operation.instruction.opcode == VectorOpcode::kRowNumber;
  std::uint32_t* to = registers_[operation.instruction.destination].data();
  for (std::size_t k = 0; k < operation.beats; ++k) {
    const VectorBeat& beat = operation.places[k];
    for (std::size_t n = 0; n < vector_lanes_; ++n) {
      to[n] = of_row ? first_row_ + static_cast<std::uint32_t>(beat.row)
                     : first_column_ + static_cast<std::uint32_t>(beat.column + n);
    }
    to += vector_lanes_;
  }
}

const std::vector<std::uint32_t>& VectorKernel::first_operand(const Operation& operation) {
  const VectorInstruction& instruction = operation.instruction;
  const std::vector<std::uint32_t>& a = registers_[instruction.a];
  if (!instruction.exchange) return a;
  const std::size_t other = instruction.immediate % kStripBeats;
  for (std::size_t k = 0; k < operation.beats; ++k) {
    const std::size_t from = other == 0 ? 0 : k ^ other;
    std::copy_n(a.begin() + static_cast<std::ptrdiff_t>(from * vector_lanes_), vector_lanes_,
                exchanged_.begin() + static_cast<std::ptrdiff_t>(k * vector_lanes_));
  }
  return exchanged_;
}

void VectorKernel::compute(const Operation& operation) {
  const VectorInstruction& instruction = operation.instruction;
  if (instruction.b_immediate || instruction.c_immediate)
    std::fill(immediate_.begin(), immediate_.end(), instruction.immediate);
  std::vector<std::uint32_t>& destination = registers_[instruction.destination];
  const std::vector<std::uint32_t>& a = first_operand(operation);
  const std::vector<std::uint32_t>& b =
      instruction.b_immediate ? immediate_ : registers_[instruction.b];
  const std::vector<std::uint32_t>& c =
      instruction.c_immediate ? immediate_ : registers_[instruction.c];
  const std::size_t words = operation.beats * vector_lanes_;
  // Plain loops, which the compiler vectorises.
  interface::with_operation<VectorInstructions>(instruction.opcode, [&](const auto& function) {
    for (std::size_t i = 0; i < words; ++i) destination[i] = function(a[i], b[i], c[i]);
  });
}

}  // namespace corank::cycle_model
