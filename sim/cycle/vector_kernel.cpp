#include "sim/cycle/vector_kernel.h"

#include <algorithm>

#include "models/base/numerics.h"
#include "sim/cycle/vector_instructions.h"

namespace corank::cycle_model {

namespace {

using interface::VectorInstruction;
using interface::VectorOpcode;

VectorStream stream_of(std::uint32_t place, std::uint32_t stride) {
  const interface::StreamWord word = interface::decode_stream_word(place);
  return {word.line, stride, word.accumulator, word.transposed, word.broadcast_row};
}

}  // namespace

std::array<VectorStream, 4> streams_of(const interface::VectorCommand& command) {
  return {stream_of(command.stream0, command.stride0), stream_of(command.stream1, command.stride1),
          stream_of(command.stream2, command.stride2), stream_of(command.stream3, command.stride3)};
}

VectorKernel::VectorKernel(std::uint64_t vector_lanes)
    : vector_lanes_(vector_lanes), immediate_(kStripBeats * vector_lanes) {
  registers_.fill(std::vector<std::uint32_t>(kStripBeats * vector_lanes));
}

void VectorKernel::run(const interface::VectorCommand& command,
                       const std::vector<VectorInstruction>& program, LocalMemories& local) {
  const FloatEnvironment as_the_device;
  const std::array<VectorStream, 4> streams = streams_of(command);
  std::vector<Beat> strip;
  for (std::uint64_t row = 0, column = 0; row < command.rows;) {
    strip.clear();
    while (row < command.rows && strip.size() < kStripBeats) {
      const std::uint64_t count = std::min<std::uint64_t>(vector_lanes_, command.columns - column);
      strip.push_back({row, column, count});
      column += count;
      if (column == command.columns) {
        column = 0;
        ++row;
      }
    }
    for (const VectorInstruction& instruction : program)
      execute(instruction, strip, streams, local);
  }
}

void VectorKernel::execute(const VectorInstruction& instruction, const std::vector<Beat>& strip,
                           const std::array<VectorStream, 4>& streams, LocalMemories& local) {
  const std::uint32_t lanes = local.scratchpad.lanes();
  const VectorStream& stream = streams[instruction.stream];
  std::vector<std::uint32_t>& destination = registers_[instruction.destination];
  const std::vector<std::uint32_t>& a = registers_[instruction.a];
  const auto for_each_beat = [&](const auto& action) {
    for (std::size_t i = 0; i < strip.size(); ++i) {
      const Beat& beat = strip[i];
      const VectorStream::Place place = stream.place(beat.row, beat.column, lanes);
      // From element to element of a beat.
      const std::size_t step = stream.transposed ? lanes : 1;
      action(i * vector_lanes_, static_cast<std::uint32_t>(place.line), place.column, step,
             beat.count);
    }
  };

  switch (instruction.opcode) {
    case VectorOpcode::kLoad:
      for_each_beat([&](std::size_t to, std::uint32_t line, std::uint32_t column, std::size_t step,
                        std::uint64_t count) {
        if (stream.accumulator) {
          const float* from = local.accumulator.line(line) + column;
          for (std::size_t n = 0; n < count; ++n) destination[to + n] = bits_of(from[n * step]);
        } else {
          const std::uint16_t* from = local.scratchpad.line(line) + column;
          for (std::size_t n = 0; n < count; ++n)
            destination[to + n] = bits_of(widen(from[n * step]));
        }
      });
      return;
    case VectorOpcode::kStore:
      for_each_beat([&](std::size_t from, std::uint32_t line, std::uint32_t column,
                        std::size_t step, std::uint64_t count) {
        if (stream.accumulator) {
          float* to = local.accumulator.line(line) + column;
          for (std::size_t n = 0; n < count; ++n) to[n * step] = float_from_bits(a[from + n]);
        } else {
          std::uint16_t* to = local.scratchpad.line(line) + column;
          for (std::size_t n = 0; n < count; ++n)
            to[n * step] = round_to_bf16(float_from_bits(a[from + n]));
        }
      });
      return;
    default:
      break;
  }

  if (instruction.b_immediate || instruction.c_immediate)
    std::fill(immediate_.begin(), immediate_.end(), instruction.immediate);
  const std::vector<std::uint32_t>& b =
      instruction.b_immediate ? immediate_ : registers_[instruction.b];
  const std::vector<std::uint32_t>& c =
      instruction.c_immediate ? immediate_ : registers_[instruction.c];
  // Plain loops, which the compiler vectorises.
  interface::with_operation<VectorInstructions>(instruction.opcode, [&](const auto& operation) {
    for (std::size_t i = 0; i < destination.size(); ++i)
      destination[i] = operation(a[i], b[i], c[i]);
  });
}

}  // namespace corank::cycle_model
