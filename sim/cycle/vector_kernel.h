// The values of a vector command.
#pragma once

#include <array>
#include <vector>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/vector_program.h"

namespace corank::cycle_model {

/// A stream of a vector command: a matrix in either local memory.
struct VectorStream {
  std::uint32_t line = 0, stride = 0;
  bool accumulator = false, transposed = false, broadcast_row = false;

  /// Where element (row, column) lies.
  struct Place {
    std::uint64_t line = 0;
    std::uint32_t column = 0;
  };
  Place place(std::uint64_t row, std::uint64_t column, std::uint32_t lanes) const {
    const std::uint64_t i = broadcast_row ? 0 : row;
    const std::uint64_t across = transposed ? i : column, down = transposed ? column : i;
    return {line + across / lanes * stride + down, static_cast<std::uint32_t>(across % lanes)};
  }
};

std::array<VectorStream, 4> streams_of(const interface::VectorCommand& command);

/// Registers of a strip each; they keep their values from command to command.
class VectorKernel {
 public:
  static constexpr std::uint64_t kStripBeats = interface::kStripBeats;

  explicit VectorKernel(std::uint64_t vector_lanes);

  /// Strip by strip, every instruction for all elements of a strip before the next one. Every
  /// access is within the local memories.
  void run(const interface::VectorCommand& command,
           const std::vector<interface::VectorInstruction>& program, LocalMemories& local);

 private:
  static constexpr std::size_t kRegisters = interface::kVectorRegisters;

  // Consecutive columns of a row, at most a beat.
  struct Beat {
    std::uint64_t row = 0, column = 0, count = 0;
  };

  void execute(const interface::VectorInstruction& instruction, const std::vector<Beat>& strip,
               const std::array<VectorStream, 4>& streams, LocalMemories& local);

  std::size_t vector_lanes_;
  std::array<std::vector<std::uint32_t>, kRegisters> registers_;  // words of a strip
  std::vector<std::uint32_t> immediate_;
};

}  // namespace corank::cycle_model
