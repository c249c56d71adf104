// Element-wise ops, in pieces that fit the local memories.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"
#include "models/base/error.h"

namespace corank {
namespace {

// A rectangle of a matrix that takes at most `limit` lines, columns in whole memory panels;
// rather tall than wide, so that what lies together in memory is transferred together.
BlockSize elementwise_block(std::int64_t rows, std::int64_t columns, std::int64_t limit,
                            std::int64_t lanes, const std::string& what) {
  const std::int64_t panel = lines_of(1, std::min<std::int64_t>(kPanelColumnsBf16, columns), lanes);
  const std::int64_t height = std::min(rows, limit / panel);
  if (height >= 1) {
    const std::int64_t most = ceil_div(columns, kPanelColumnsBf16);
    return {height, std::clamp<std::int64_t>(limit / height / panel, 1, most) * kPanelColumnsBf16};
  }
  throw KeyError(
      {"compiler.accumulator_kib", "compiler.scratchpad_kib", "accelerator.accumulator.kib",
       "accelerator.scratchpad.kib", "accelerator"},
      fmt::format("{}: not even one row of {} elements fits the local memories: it needs {} "
                  "lines, there are {}; "
                  "give accelerator.accumulator.kib, accelerator.scratchpad.kib or the "
                  "compiler's limits more",
                  what, kPanelColumnsBf16,
                  lines_of(1, std::min<std::int64_t>(kPanelColumnsBf16, columns), lanes), limit));
}

void for_each_block(
    const TensorLayout& place, const BlockSize& size,
    const std::function<void(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>& body) {
  for (std::int64_t row = 0; row < place.rows; row += size.rows) {
    for (std::int64_t column = 0; column < place.columns; column += size.columns) {
      body(row, column, std::min(size.rows, place.rows - row),
           std::min(size.columns, place.columns - column));
    }
  }
}

}  // namespace

void Lowering::cut(const Convert& op) {
  const TensorLayout& place = layout(op.in);
  const Buffers in_buffers = buffers();
  const BlockSize size = elementwise_block(place.rows, place.columns,
                                           std::min(in_buffers.lines, areas_.output_lines / 2),
                                           areas_.lanes, graph_.value(op.out).name);
  step_.blocks[op_] = size;
  const std::int64_t slot_lines =
      lines_of(size.rows, std::min(size.columns, place.columns), areas_.lanes);
  for_each_block(
      place, size,
      [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
        const std::size_t turn = pieces_.size();
        add_piece([=] {
          Slots input(in_buffers.at(turn), slot_lines, slot_lines);
          const Local in = load(input, {op.in, row, column, rows, columns});
          const Local out{areas_.output_line + static_cast<std::int64_t>(turn % 2) * slot_lines,
                          rows, columns};
          emit_vector(
              convert_program(), rows, columns,
              {{Space::kAccumulator, in, false, false}, {Space::kScratchpad, out, true, false}});
          store({op.out, row, column, rows, columns}, out.line);
          return nullptr;
        });
      });
}

void Lowering::cut(const AdamW& op) {
  const TensorLayout& place = layout(op.parameter);
  const Buffers operand_buffers = buffers();
  const std::int64_t region = operand_buffers.lines / kAdamWStreams;
  const BlockSize size = elementwise_block(place.rows, place.columns, region, areas_.lanes,
                                           graph_.value(op.new_parameter).name);
  step_.blocks[op_] = size;
  for_each_block(
      place, size,
      [&](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
        const std::size_t turn = pieces_.size();
        add_piece([=] {
          const std::array<ValueId, kAdamWStreams> operands{op.parameter, op.gradient,
                                                            op.first_moment, op.second_moment};
          std::vector<Stream> streams;
          for (std::size_t i = 0; i < operands.size(); ++i) {
            Slots slot(operand_buffers.at(turn) + static_cast<std::int64_t>(i) * region, region,
                       region);
            streams.push_back({Space::kAccumulator,
                               load(slot, {operands[i], row, column, rows, columns}),
                               i != kAdamWGradient, false});
          }
          emit_vector(adamw_program(op.constants), rows, columns, streams);
          store({op.new_parameter, row, column, rows, columns},
                streams[kAdamWParameter].local.line);
          store({op.new_first_moment, row, column, rows, columns},
                streams[kAdamWFirstMoment].local.line);
          store({op.new_second_moment, row, column, rows, columns},
                streams[kAdamWSecondMoment].local.line);
          return nullptr;
        });
      });
}

}  // namespace corank
