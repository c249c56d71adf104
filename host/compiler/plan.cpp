#include "host/compiler/plan.h"

#include <fmt/format.h>

namespace corank {
namespace {

// Who uses the local memories in the same cycles. What is loaded or stored meanwhile waits for the
// bank by tokens.
enum User { kMovingOperand, kStationaryOperand, kVectorResult, kFirstSums, kSecondSums, kOther };

bool is_product(const Graph& graph, int op) {
  return contraction_of(graph.ops[static_cast<std::size_t>(op)]) != nullptr;
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
  if (stage.fused >= 0) text += "; fused with it " + result_of(graph, stage.fused);
  for (std::size_t i = 0; i < stage.overlapped.size(); ++i)
    text += (i == 0 ? "; overlapped with it " : ", ") + result_of(graph, stage.overlapped[i]);
  for (std::size_t i = 0; i < stage.followers.size(); ++i)
    text += (i == 0 ? "; on its blocks, which are there, " : ", ") +
            result_of(graph, stage.followers[i]);
  return text;
}

std::string packed_text(const PackedPlace& weight) {
  const interface::LoadQuantizedCommand& fields = weight.layout.fields;
  std::string text =
      fmt::format("        packed, {} bytes of scales a row of a panel, {} rows a group",
                  record_bytes(fields), group_rows(fields));
  if (weight.nested_bytes > 0)
    text += fmt::format("; nested scales at {:#x}, map at {:#x}", weight.nested_address,
                        weight.map_address);
  return text + "\n";
}

}  // namespace

std::vector<LocalBuffer> buffers_of_product(const LocalAreas& areas, const StageUse& use,
                                            const BlockSize& block) {
  constexpr Space kOperands = Space::kScratchpad, kSums = Space::kAccumulator;
  std::vector<LocalBuffer> buffers = {
      {"moving operand", kOperands, areas.moving_line, areas.moving_lines, kMovingOperand},
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
    buffers.push_back({"overlapped moving operand", kOperands, areas.overlap_moving_line,
                       2 * areas.overlap_moving_lines, kMovingOperand});
    buffers.push_back({"overlapped stationary operand", kOperands, areas.overlap_stationary_line,
                       2 * areas.overlap_stationary_lines, kStationaryOperand});
  }
  if (use.fused)
    buffers.push_back({"fused stationary operand", kOperands, areas.fused_line, areas.fused_lines,
                       kStationaryOperand});
  if (use.followers) {
    if (areas.tile_line != areas.output_line)
      buffers.push_back(
          {"overlapped", kOperands, areas.tile_line, areas.tile_lines, kVectorResult});
    buffers.push_back({"what meets the result", kOperands, areas.follow_narrow_line,
                       2 * areas.follow_narrow_lines, kVectorResult});
    buffers.push_back({"what meets the result", kSums, areas.follow_wide_line,
                       2 * areas.follow_wide_lines, kOther});
  }
  if (use.products || use.fused || use.elementwise || use.regions) {
    buffers.push_back({"overlapped", kSums, areas.overlap_line, areas.overlap_lines, kOther});
    buffers.push_back({"overlapped", kSums, areas.overlap_line + areas.overlap_pitch,
                       areas.overlap_lines, kOther});
  }
  if (use.narrow_biases)
    buffers.push_back(
        {"bias", kOperands, areas.narrow_bias_line, areas.narrow_bias_lines, kVectorResult});
  if (use.biases) buffers.push_back({"bias", kSums, areas.bias_line, areas.bias_lines, kOther});
  return buffers;
}

std::vector<LocalBuffer> buffers_of_region(const LocalHalves& halves) {
  std::vector<LocalBuffer> buffers;
  for (const Space space : {Space::kScratchpad, Space::kAccumulator}) {
    for (const std::size_t turn : {0, 1}) {
      buffers.push_back({"tiles", space, halves.line_of(space, turn), halves.lines_of(space),
                         turn == 0 ? kFirstSums : kSecondSums});
    }
  }
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
      text += fmt::format("    {:<30} {} lines {} to {}\n", buffer.use,
                          buffer.space == Space::kScratchpad ? "scratchpad " : "accumulator",
                          buffer.line, buffer.line + buffer.lines - 1);
    }
  }
  text += fmt::format("device memory: values from {:#x} to {:#x}\n", plan.values_begin,
                      plan.values_end);
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const TensorLayout& layout = plan.layouts[id];
    const std::string place = plan.streamed[id] ? "streamed"
                              : plan.local[id]  ? "local"
                              : graph.values[id].role == Role::kConstants
                                  ? "immediates"
                                  : fmt::format("{:#x}", layout.address);
    text += fmt::format("    {:<26} {} {} x {}{}, {} bytes\n", graph.values[id].name, place,
                        layout.rows(), layout.columns(),
                        layout.is_transposed() ? ", transposed" : "", plan.bytes_of(id));
    if (const std::optional<PackedPlace>& packed = plan.packed[id]) text += packed_text(*packed);
    if (plan.view_of[id] >= 0)
      text += fmt::format("        a view of {}\n", graph.value(plan.view_of[id]).name);
  }
  return text;
}

}  // namespace corank
