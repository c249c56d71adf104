// What the records of ops over regions are made of: reductions of rows and columns in the order of
// models/README.md, recorded.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include "host/compiler/ops/op_lowering.h"
#include "host/compiler/recorder.h"
#include "host/compiler/row_phases.h"

namespace corank {

using Meets = RegionBlock::Meets;
using Walk = RegionStep::Walk;

// Blocks, by what of the value meets the region.
inline RegionBlock elements(ValueId operand) { return {operand}; }
inline RegionBlock result(ValueId value) { return {-1, value}; }
inline RegionBlock in_place(ValueId operand, ValueId value) { return {operand, value}; }
inline RegionBlock row(ValueId operand) { return {operand, -1, Meets::kRow}; }
inline RegionBlock row_result(ValueId value) { return {-1, value, Meets::kRow}; }
inline RegionBlock column(ValueId operand) { return {operand, -1, Meets::kColumn}; }
inline RegionBlock column_result(ValueId value) { return {-1, value, Meets::kColumn}; }
inline RegionBlock room_for_column() { return {-1, -1, Meets::kColumn}; }
inline RegionBlock scalar(ValueId operand) { return {operand, -1, Meets::kScalar}; }
inline RegionBlock scalar_result(ValueId value) { return {-1, value, Meets::kScalar}; }

/// Streams that are the blocks, in their order.
inline std::vector<RegionStream> whole_blocks(std::size_t count) {
  std::vector<RegionStream> streams;
  for (std::size_t i = 0; i < count; ++i) streams.push_back({i, 0});
  return streams;
}

/// A pass of one step over the rows and columns of a value.
inline RegionPass one_step(const Graph& graph, ValueId of, std::vector<RegionBlock> blocks,
                           Walk walk, VectorProgram program) {
  RegionPass pass;
  pass.columns = graph.value(of).shape.back();
  pass.rows = element_count(graph.value(of).shape) / pass.columns;
  pass.whole_rows = walk == Walk::kRows;
  pass.steps.push_back({walk, whole_blocks(blocks.size()), std::move(program), {}});
  pass.blocks = std::move(blocks);
  return pass;
}

/// One that reduces rows, whole or block by block of columns.
inline RegionPass reduced_rows(const Graph& graph, ValueId of, std::vector<RegionBlock> blocks,
                               const Recorder& recorder) {
  RegionPass pass = one_step(graph, of, std::move(blocks), Walk::kRows, recorder.program());
  pass.phases = row_phases(recorder, pass.blocks);
  return pass;
}

/// The pass over the values as they are or, turned, over their columns in the place of rows.
inline RegionPass oriented(RegionPass pass, bool turned) {
  if (turned) std::swap(pass.rows, pass.columns);
  pass.turned = turned;
  return pass;
}

/// A pass over a vector, an element a row.
inline RegionPass over_vector(std::int64_t rows, std::vector<RegionBlock> blocks,
                              std::vector<RegionStep> steps) {
  RegionPass pass;
  pass.rows = rows;
  pass.columns = 1;
  pass.whole_rows = false;
  pass.blocks = std::move(blocks);
  pass.steps = std::move(steps);
  return pass;
}

/// Stream 1 = stream 0, in the format of stream 1.
inline VectorProgram copy_program() {
  Recorder recorder;
  recorder.store(1, recorder.load(0));
  return recorder.program();
}

/// An op of one pass.
inline OpLowering over_region(RegionPass pass) {
  OpLowering lowering;
  lowering.passes.push_back(std::move(pass));
  return lowering;
}

/// What 16 interleaved chains come to, a pair of registers: in all beats.
inline Recorded tree_of(interface::VectorOpcode opcode, std::pair<Recorded, Recorded> chains) {
  Recorded sum = Recorder::record(opcode, std::move(chains.first), chains.second, {});
  sum = Recorder::exchange(opcode, sum, 4);
  sum = Recorder::exchange(opcode, sum, 2);
  return Recorder::exchange(opcode, sum, 1);
}

/// 16 interleaved chains over the columns and a tree, as reduce_row() has it: `element()` records
/// what is reduced. The result is in all beats; what follows is a section once a group.
template <class Accumulate>
Recorded reduce_columns(Recorder& recorder, interface::VectorOpcode opcode, float start,
                        const Accumulate& accumulate) {
  recorder.begin_once();
  std::pair<Recorded, Recorded> chains = recorder.fill_pair(start);
  recorder.begin_strips();
  accumulate(chains.first);
  recorder.begin_once();
  return tree_of(opcode, std::move(chains));
}
template <class Element>
Recorded reduce_elements(Recorder& recorder, interface::VectorOpcode opcode, float start,
                         const Element& element) {
  return reduce_columns(recorder, opcode, start, [&](const Recorded& chain) {
    Recorder::accumulate(opcode, chain, element(), true);
  });
}
template <class Element>
Recorded sum_of_columns(Recorder& recorder, const Element& element) {
  return reduce_elements(recorder, interface::VectorOpcode::kAdd, 0.0f, element);
}
/// The sum of products, whose factors `factors()` gives as a pair of numbers.
template <class Factors>
Recorded sum_of_products(Recorder& recorder, const Factors& factors) {
  return reduce_columns(recorder, interface::VectorOpcode::kAdd, 0.0f, [&](const Recorded& chain) {
    const std::pair<Recorded, Recorded> both = factors();
    Recorder::accumulate_product(chain, both.first, both.second, true);
  });
}
/// Of the elements of a stream.
inline Recorded sum_of_squares(Recorder& recorder, int stream) {
  return reduce_columns(recorder, interface::VectorOpcode::kAdd, 0.0f, [&](const Recorded& chain) {
    const Recorded x = recorder.load(stream);
    Recorder::accumulate_product(chain, x, x, true);
  });
}
template <class Element>
Recorded maximum_of_columns(Recorder& recorder, const Element& element) {
  return reduce_elements(recorder, interface::VectorOpcode::kMaximum,
                         -std::numeric_limits<float>::infinity(), element);
}

/// What is computed once a group of rows, of a reduction's result: on one beat, then in all.
template <class Function>
Recorded once_a_row(Recorder& recorder, const Function& function) {
  recorder.on_first_beat(true);
  Recorded one = function();
  recorder.on_first_beat(false);
  return Recorder::spread(one);
}

inline Recorded inverse_once_a_row(Recorder& recorder, const Recorded& sum) {
  return once_a_row(recorder, [&] { return constant(sum, 1.0f) / sum; });
}

/// Stream 2 = stream 0 times the element of its row, stream 1.
inline VectorProgram times_column() {
  Recorder recorder;
  recorder.begin_once();
  const Recorded factor = recorder.load(1);
  recorder.begin_strips();
  recorder.store(2, recorder.load(0) * factor);
  return recorder.program();
}

/// One chain over the rows, ascending from `start`, of what `element(recorder)` records, to the
/// last stream: the program, and the one that goes on.
template <class Element>
RegionStep reduce_rows(std::vector<RegionStream> streams, interface::VectorOpcode opcode,
                       const Recorder::Operand& start, const Element& element) {
  const auto out = static_cast<int>(streams.size()) - 1;
  const auto program = [&](bool continues) {
    Recorder recorder;
    recorder.begin_once();
    const Recorded sum = continues ? recorder.load(out) : recorder.fill(start);
    recorder.begin_strips();
    Recorder::accumulate(opcode, sum, element(recorder), false);
    recorder.begin_once();
    recorder.store(out, sum);
    return recorder.program();
  };
  return {Walk::kColumns, std::move(streams), program(false), program(true)};
}
template <class Element>
RegionStep sum_over_rows(std::vector<RegionStream> streams, const Element& element) {
  return reduce_rows(std::move(streams), interface::VectorOpcode::kAdd, 0.0f, element);
}

}  // namespace corank
