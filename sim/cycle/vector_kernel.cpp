#include "sim/cycle/vector_kernel.h"

#include <algorithm>

#include "models/base/numerics.h"
#include "models/base/vector_arithmetic.h"

namespace corank::cycle_model {

namespace {

using interface::VectorInstruction;
using interface::VectorOpcode;

VectorStream stream_of(std::uint32_t place, std::uint32_t stride) {
  const interface::StreamWord word = interface::decode_stream_word(place);
  return {word.line, stride, word.accumulator, word.transposed, word.broadcast_row};
}

// Every arithmetic result that is a NaN is the canonical one. Plain loops, which the compiler
// vectorises.
template <class Operation>
void apply(const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& out,
           const Operation& operation) {
  const float nan = float_from_bits(kCanonicalNanFp32);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float result = operation(a[i], b[i]);
    out[i] = result == result ? result : nan;
  }
}

}  // namespace

std::array<VectorStream, 4> streams_of(const interface::VectorCommand& command) {
  return {stream_of(command.stream0, command.stride0), stream_of(command.stream1, command.stride1),
          stream_of(command.stream2, command.stride2), stream_of(command.stream3, command.stride3)};
}

VectorKernel::VectorKernel(std::uint64_t vector_lanes)
    : vector_lanes_(vector_lanes), immediate_(kStripBeats * vector_lanes) {
  registers_.fill(std::vector<float>(kStripBeats * vector_lanes));
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
  std::vector<float>& destination = registers_[instruction.destination];
  const std::vector<float>& a = registers_[instruction.a];
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
          for (std::size_t n = 0; n < count; ++n) destination[to + n] = from[n * step];
        } else {
          const std::uint16_t* from = local.scratchpad.line(line) + column;
          for (std::size_t n = 0; n < count; ++n) destination[to + n] = widen(from[n * step]);
        }
      });
      return;
    case VectorOpcode::kStore:
      for_each_beat([&](std::size_t from, std::uint32_t line, std::uint32_t column,
                        std::size_t step, std::uint64_t count) {
        if (stream.accumulator) {
          float* to = local.accumulator.line(line) + column;
          for (std::size_t n = 0; n < count; ++n) to[n * step] = a[from + n];
        } else {
          std::uint16_t* to = local.scratchpad.line(line) + column;
          for (std::size_t n = 0; n < count; ++n) to[n * step] = round_to_bf16(a[from + n]);
        }
      });
      return;
    default:
      break;
  }

  if (instruction.b_immediate) {
    std::fill(immediate_.begin(), immediate_.end(), float_from_bits(instruction.immediate));
  }
  const std::vector<float>& b = instruction.b_immediate ? immediate_ : registers_[instruction.b];
  interface::with_operation<VectorArithmetic>(
      instruction.opcode, [&](const auto& operation) { apply(a, b, destination, operation); });
}

}  // namespace corank::cycle_model
