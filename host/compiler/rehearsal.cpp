// The block of a product that a rehearsal on the cycle model finds the fastest.

#include "sim/cycle/rehearsal.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"

namespace corank {
namespace {

// Of a long product a part is rehearsed, so many chunks about: then what comes at its beginning and
// end matters little.
constexpr std::int64_t kRehearsedChunks = 256;

// The first blocks of a product: of the outer dimension as many as there may be chunks, at least
// two of each and all of the depth, unless a block alone has too many.
ContractionShape part_of(const ContractionShape& shape, const BlockSize& block) {
  ContractionShape part = shape;
  std::int64_t chunks = 0;
  for (const ProductShape& product : shape.products)
    chunks += ceil_div(product.depth, block.depth);
  for (ProductShape& product : part.products) {
    if (chunks > kRehearsedChunks)
      product.depth = std::min(product.depth, block.depth * ceil_div(kRehearsedChunks, 4));
  }
  chunks = std::min(chunks, kRehearsedChunks);
  const auto blocks_of = [](std::int64_t size, std::int64_t step, std::int64_t most) {
    return std::min(size, step * std::max<std::int64_t>(2, most));
  };
  std::int64_t& outer = block.columns_outer ? part.columns : part.rows;
  std::int64_t& inner = block.columns_outer ? part.rows : part.columns;
  const std::int64_t outer_step = block.columns_outer ? block.columns : block.rows;
  const std::int64_t inner_step = block.columns_outer ? block.rows : block.columns;
  inner = blocks_of(inner, inner_step, kRehearsedChunks / chunks);
  outer = blocks_of(outer, outer_step, kRehearsedChunks / chunks / ceil_div(inner, inner_step));
  return part;
}

}  // namespace

std::vector<std::int64_t> Lowering::key_of(const Stage& stage) const {
  std::vector<std::int64_t> key;
  for (const int op : stage.ops()) {
    const Op& node = graph_.ops[static_cast<std::size_t>(op)];
    key.insert(key.end(), {op == stage.rider, static_cast<std::int64_t>(node.index()),
                           static_cast<std::int64_t>(program_of(graph_, node).size())});
    const auto add_sizes = [&](ValueId id) {
      const TensorLayout& place = layout(id);
      key.insert(key.end(), {place.rows, place.columns, place.transposed, is_streamed(id),
                             static_cast<std::int64_t>(place.dtype)});
    };
    for (const ValueId id : operands_of(node)) add_sizes(id);
    for (const ValueId id : results_of(node)) add_sizes(id);
    const Contraction* contraction = contraction_at(op);
    if (contraction == nullptr) continue;
    for (const Term& term : contraction->terms)
      key.insert(key.end(), {term.left_transposed, term.right_transposed});
  }
  return key;
}

BlockSize Lowering::best_block(const Stage& stage, const ContractionShape& shape) {
  const std::vector<BlockSize>& sizes = blocks_of(shape, use_of(stage));
  if (sizes.empty()) {
    refuse_blocks(shape, local_areas(machine_, limits_, use_of(stage)), limits_,
                  graph_.value(contraction_at(stage.op)->out).name);
  }
  if (sizes.size() == 1) return sizes.front();
  const auto [known, is_new] = best_blocks_.try_emplace(key_of(stage));
  if (!is_new) return known->second;
  double least = std::numeric_limits<double>::infinity();
  for (const BlockSize& size : sizes) {
    const double cycles = rehearsed_cycles(stage, shape, size, least);
    if (cycles >= least) continue;
    least = cycles;
    known->second = size;
  }
  return known->second;
}

double Lowering::rehearsed_cycles(const Stage& stage, const ContractionShape& shape,
                                  const BlockSize& block, double most) const {
  const ContractionShape part = part_of(shape, block);
  Lowering trial(graph_, machine_, limits_, stream_, memory_);
  trial.step_.layouts = step_.layouts;
  trial.step_.instructions = step_.instructions;
  trial.step_.traffic.resize(graph_.values.size());
  trial.programs_ = programs_;
  trial.streamed_ = streamed_;
  trial.ordered_ = ordered_;
  trial.load_programs();
  trial.lower(stage, part, block);
  std::vector<interface::CommandWords> commands;
  for (const CompiledCommand& command : trial.step_.commands) commands.push_back(command.words);
  commands.push_back(encode(interface::HaltCommand{}));

  const LocalAreas areas = local_areas(machine_, limits_, use_of(stage));
  const auto cycles_of = [&](const ContractionShape& s) {
    return estimate(block, s, areas, machine_, memory_).longest();
  };
  const double growth = cycles_of(shape) / cycles_of(part);
  constexpr double kLong = 1e12;
  const auto limit = static_cast<cycle_model::Cycle>(std::min(most / growth, kLong)) + 1;
  return growth *
             static_cast<double>(rehearse(machine_, memory_, commands, step_.instructions, limit)) +
         tile_cycles(block, shape);
}

}  // namespace corank
