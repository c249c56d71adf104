#include "host/compiler/plan.h"

#include <fmt/format.h>

#include <variant>

namespace corank {
namespace {

// Who uses the local memories in the same cycles. What is loaded or stored meanwhile waits for the
// bank by tokens.
enum User { kMovingOperand, kStationaryOperand, kVectorResult, kFirstSums, kSecondSums, kOther };

bool is_product(const Graph& graph, int op) {
  return std::holds_alternative<Contraction>(graph.ops[static_cast<std::size_t>(op)]);
}

const std::string& result_of(const Graph& graph, int op) {
  return result_name(graph, graph.ops[static_cast<std::size_t>(op)]);
}

std::string text_of(const Graph& graph, const Stage& stage, const BlockSize& block) {
  std::string text(name_of(graph.ops[static_cast<std::size_t>(stage.op)]));
  text += " of " + result_of(graph, stage.op);
  if (is_product(graph, stage.op)) {
    text += fmt::format(", blocks of {} x {}, {} deep, {} outer", block.rows, block.columns,
                        block.depth, block.columns_outer ? "columns" : "rows");
    if (block.slice > 0) text += fmt::format(", sums handed over by {} columns", block.slice);
  }
  if (stage.rider >= 0) text += "; along with it " + result_of(graph, stage.rider);
  for (std::size_t i = 0; i < stage.beside.size(); ++i)
    text += (i == 0 ? "; beside it " : ", ") + result_of(graph, stage.beside[i]);
  return text;
}

}  // namespace

std::vector<LocalBuffer> buffers_of_product(const LocalAreas& areas, const BesideUse& use,
                                            const BlockSize& block) {
  constexpr Space kOperands = Space::kScratchpad, kSums = Space::kAccumulator;
  std::vector<LocalBuffer> buffers = {
      {"moving operand", kOperands, areas.stream_line, areas.stream_lines, kMovingOperand},
      {"stationary operand", kOperands, areas.stationary_line, areas.stationary_lines,
       kStationaryOperand},
      {"result", kOperands, areas.output_line, areas.output_lines, kVectorResult}};
  if (block.sum_buffers == 2) {
    buffers.push_back({"sums", kSums, areas.sum_line, areas.sum_lines, kFirstSums});
    buffers.push_back(
        {"sums", kSums, areas.sum_line + areas.sum_pitch, areas.sum_lines, kSecondSums});
  } else {
    buffers.push_back({"sums", kSums, areas.sum_line, areas.single_sum_lines, kFirstSums});
  }
  if (use.products) {
    buffers.push_back({"moving operand beside", kOperands, areas.piece_stream_line,
                       2 * areas.piece_stream_lines, kMovingOperand});
    buffers.push_back({"stationary operand beside", kOperands, areas.piece_stationary_line,
                       2 * areas.piece_stationary_lines, kStationaryOperand});
  }
  if (use.rider)
    buffers.push_back({"stationary operand along", kOperands, areas.rider_line, areas.rider_lines,
                       kStationaryOperand});
  if (use.products || use.rider || use.elementwise) {
    buffers.push_back({"sums beside", kSums, areas.beside_line, areas.beside_lines, kOther});
    buffers.push_back(
        {"sums beside", kSums, areas.beside_line + areas.beside_pitch, areas.beside_lines, kOther});
  }
  if (use.biases) buffers.push_back({"bias", kSums, areas.bias_line, areas.bias_lines, kOther});
  return buffers;
}

std::vector<LocalBuffer> buffers_of_elementwise(const LocalAreas& areas) {
  return {{"operands", Space::kAccumulator, 0, areas.alone_lines, kFirstSums},
          {"operands", Space::kAccumulator, areas.alone_pitch, areas.alone_lines, kSecondSums},
          {"result", Space::kScratchpad, areas.output_line, areas.output_lines, kVectorResult}};
}

std::string to_text(const Plan& plan, const Graph& graph) {
  std::string text;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    text += fmt::format("stage {}: {}\n", i, text_of(graph, plan.stages[i], plan.blocks[i]));
    for (const LocalBuffer& buffer : plan.buffers[i]) {
      text += fmt::format("    {:<26} {} lines {} to {}\n", buffer.use,
                          buffer.space == Space::kScratchpad ? "scratchpad " : "accumulator",
                          buffer.line, buffer.line + buffer.lines - 1);
    }
  }
  text += fmt::format("device memory: values from {:#x} to {:#x}\n", plan.values_begin,
                      plan.values_end);
  for (std::size_t id = 0; id < plan.layouts.size(); ++id) {
    const TensorLayout& layout = plan.layouts[id];
    const std::string place = plan.streamed[id] ? "streamed" : fmt::format("{:#x}", layout.address);
    text += fmt::format("    {:<26} {} {} x {}{}, {} bytes\n", graph.values[id].name, place,
                        layout.rows, layout.columns, layout.transposed ? ", transposed" : "",
                        layout.bytes());
  }
  return text;
}

}  // namespace corank
