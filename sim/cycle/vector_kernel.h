// The values of a vector command.
#pragma once

#include <array>
#include <vector>

#include "sim/cycle/local_memory.h"
#include "sim/cycle/vector_program.h"
#include "sim/cycle/vector_walk.h"

namespace corank::cycle_model {

/// A stream of a vector command: a matrix in either local memory.
struct VectorStream {
  std::uint32_t line = 0, stride = 0;
  bool accumulator = false, transposed = false;
  bool broadcast_row = false, broadcast_column = false;
  std::uint32_t column = 0;  // of the first column, or row of a transposed one, in the line

  /// Where element (row, column) lies.
  struct Place {
    std::uint64_t line = 0;
    std::uint32_t column = 0;
  };
  /// Elements that an access to a beat of `count` touches.
  std::uint64_t accessed(std::uint64_t count) const { return broadcast_column ? 1 : count; }
  Place place(std::uint64_t row, std::uint64_t column_of_region, std::uint32_t lanes) const {
    const std::uint64_t i = broadcast_row ? 0 : row, j = broadcast_column ? 0 : column_of_region;
    const std::uint64_t across = (transposed ? i : j) + column, down = transposed ? j : i;
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
  void run(const interface::VectorCommand& command, const VectorProgram& program,
           const VectorWalk& walk, LocalMemories& local);

 private:
  static constexpr std::size_t kRegisters = interface::kVectorRegisters;

  // An instruction, with the registers that it works on, and its beats.
  struct Operation {
    interface::VectorInstruction instruction;
    std::array<VectorBeat, kStripBeats> places;  // of loads, stores and numbers
    std::size_t beats = 0;
  };

  void run_strip(const VectorProgram& program, const VectorSection& section, const VectorWalk& walk,
                 const VectorGroup& group, std::uint64_t strip, LocalMemories& local);
  void execute(const Operation& operation, LocalMemories& local);
  void load(const Operation& operation, LocalMemories& local);
  void store(const Operation& operation, LocalMemories& local);
  void number(const Operation& operation);
  void compute(const Operation& operation);
  /// The words that a first operand reads.
  const std::vector<std::uint32_t>& first_operand(const Operation& operation);

  std::size_t vector_lanes_;
  std::array<std::vector<std::uint32_t>, kRegisters> registers_;  // words of a strip
  std::vector<std::uint32_t> immediate_, exchanged_;
  // Of the command at hand.
  std::array<VectorStream, 4> streams_;
  std::uint32_t first_row_ = 0, first_column_ = 0;
};

}  // namespace corank::cycle_model
