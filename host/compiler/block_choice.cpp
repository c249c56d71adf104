#include "host/compiler/block_choice.h"

#include <algorithm>
#include <set>
#include <utility>

#include "host/compiler/ceil_div.h"
#include "sim/cycle/rehearsal.h"

namespace corank {
namespace {

// Of a long product the first blocks are rehearsed, and half of them: about so many chunks, but at
// least so many blocks. What is at the beginning and the end of a product then counts once.
constexpr std::int64_t kRehearsedChunks = 256, kRehearsedBlocks = 4;

// Between blocks that are as fast less work of every kind decides, as in the rule: the memory of
// the rehearsal is simpler than a DRAM, which suffers more from what it has to do.
constexpr double kWeightOfWork = 1.0 / 64;

// A rehearsed stage has the memory to itself, so less than this does not speak against the rule.
constexpr double kTrustInRule = 0.99;

// In a step of at most so many chunks the stages overlap much: of the rehearsed blocks of each so
// many are tried in the whole step, if they are nearly as fast.
constexpr std::int64_t kShortStep = 256;
constexpr std::size_t kTried = 24;
constexpr double kWorthATry = 1.3;

std::int64_t chunks_of_block(const ContractionShape& shape, const BlockSize& block) {
  std::int64_t chunks = 0;
  for (const ProductShape& product : shape.products) chunks += ceil_div(product.depth, block.depth);
  return chunks;
}

std::int64_t chunks_of(const ContractionShape& shape, const BlockSize& block) {
  return ceil_div(shape.rows, block.rows) * ceil_div(shape.columns, block.columns) *
         chunks_of_block(shape, block);
}

// The first `blocks` blocks, in whole rounds of the inner dimension if there are more than one.
ContractionShape first_blocks(const ContractionShape& shape, const BlockSize& block,
                              std::int64_t blocks) {
  ContractionShape part = shape;
  std::int64_t& outer = block.columns_outer ? part.columns : part.rows;
  std::int64_t& inner = block.columns_outer ? part.rows : part.columns;
  const std::int64_t outer_step = block.columns_outer ? block.columns : block.rows;
  const std::int64_t inner_step = block.columns_outer ? block.rows : block.columns;
  inner = std::min(inner, inner_step * blocks);
  outer =
      std::min(outer, outer_step * std::max<std::int64_t>(1, blocks / ceil_div(inner, inner_step)));
  return part;
}

// The first `chunks` chunks of each product of a block.
ContractionShape first_chunks(const ContractionShape& shape, const BlockSize& block,
                              std::int64_t chunks) {
  ContractionShape part = shape;
  for (ProductShape& product : part.products)
    product.depth = std::min(product.depth, block.depth * chunks);
  return part;
}

bool is_part(const ContractionShape& shape, const ContractionShape& whole) {
  return share_of(shape, whole) < 1;
}

}  // namespace

std::vector<std::int64_t> BlockChoice::key_of(const Stage& stage) const {
  std::vector<std::int64_t> key;
  for (const int op : stage.ops()) {
    const Op& node = step_.op(op);
    const bool follows = std::count(stage.followers.begin(), stage.followers.end(), op) > 0;
    key.insert(key.end(), {op == stage.fused, follows, static_cast<std::int64_t>(node.index()),
                           static_cast<std::int64_t>(step_.lowering(op).program.size())});
    const auto add_sizes = [&](ValueId id) {
      const TensorLayout& place = step_.layout(id);
      key.insert(key.end(),
                 {place.rows(), place.columns(), place.is_transposed(), step_.is_streamed(id),
                  static_cast<std::int64_t>(place.format),
                  static_cast<std::int64_t>(step_.plan.bytes_of(static_cast<std::size_t>(id)))});
    };
    for (const ValueId id : operands_of(node)) add_sizes(id);
    for (const ValueId id : results_of(node)) add_sizes(id);
    const Contraction* product = step_.product(op);
    if (product == nullptr) continue;
    for (const Term& term : product->terms)
      key.insert(key.end(), {term.left_transposed, term.right_transposed});
  }
  return key;
}

std::vector<BlockSize> BlockChoice::best_blocks(const Stage& stage) {
  const ContractionShape shape = shape_of(step_, stage);
  const std::vector<BlockSize>& sizes = costs_.blocks_of(shape, use_of(step_, stage));
  if (sizes.empty())
    refuse_blocks(shape, areas_of(step_, stage), step_.limits,
                  result_name(step_.graph, step_.op(stage.op)));
  // How fast the host sends its tiles is not known here.
  if (sizes.size() == 1 || shape.streamed || !step_.limits.rehearse) return {sizes.front()};
  const auto [known, is_new] = best_blocks_.try_emplace(key_of(stage));
  if (!is_new) return known->second;
  std::vector<std::pair<double, BlockSize>> timed;
  for (const BlockSize& size : sizes) {
    const double least = timed.empty() ? kUnlimited : timed.front().first;
    const double cycles = rehearsed_cycles(stage, shape, size, kWorthATry * least);
    timed.emplace_back(timed.empty() ? kTrustInRule * cycles : cycles, size);
    std::stable_sort(timed.begin(), timed.end(),
                     [](const auto& one, const auto& other) { return one.first < other.first; });
  }
  for (const auto& [cycles, size] : timed) {
    if (known->second.size() < kTried && cycles < kWorthATry * timed.front().first)
      known->second.push_back(size);
  }
  return known->second;
}

// Equal layers are carried out alike, however many there are: no place of theirs is tuned by
// itself.
bool BlockChoice::has_equal_products() const {
  std::set<std::vector<std::int64_t>> keys;
  for (const Stage& stage : step_.plan.stages)
    if (step_.product(stage.op) != nullptr && !keys.insert(key_of(stage)).second) return true;
  return false;
}

// A rehearsal has no values, and so no indices.
bool BlockChoice::has_indices() const {
  return std::any_of(step_.lowerings.begin(), step_.lowerings.end(), [](const OpLowering& one) {
    return !one.gathered.empty() || !one.scattered.empty();
  });
}

BlockChoices BlockChoice::choose() {
  BlockChoices chosen;
  std::vector<std::vector<BlockSize>> choices;
  std::int64_t chunks = 0;
  for (const Stage& stage : step_.plan.stages) {
    const bool product = step_.product(stage.op) != nullptr;
    choices.push_back(product ? best_blocks(stage) : std::vector<BlockSize>{BlockSize{}});
    chosen.blocks.push_back(choices.back().front());
    if (product) chunks += chunks_of(shape_of(step_, stage), chosen.blocks.back());
  }
  if (chunks <= kShortStep && step_.limits.rehearse && !has_equal_products() && !has_indices())
    try_in_whole_step(choices, chosen);
  return chosen;
}

void BlockChoice::try_in_whole_step(const std::vector<std::vector<BlockSize>>& choices,
                                    BlockChoices& chosen) {
  double least = cycles_of_step(chosen.blocks, kUnlimited);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    for (std::size_t choice = 1; choice < choices[i].size(); ++choice) {
      std::vector<BlockSize> others = chosen.blocks;
      others[i] = choices[i][choice];
      const double cycles = cycles_of_step(others, least);
      if (cycles >= least) continue;
      least = cycles;
      chosen.blocks = others;
    }
  }
  chosen.cycles = least;
}

double BlockChoice::rehearsed_cycles(const Stage& stage, const ContractionShape& shape,
                                     const BlockSize& block, double most) const {
  const LocalAreas areas = areas_of(step_, stage);
  const auto estimated = [&](const ContractionShape& part) {
    return estimate(block, part, areas, step_.machine, step_.memory);
  };
  const ContractionShape shallow = chunks_of_block(shape, block) > kRehearsedChunks
                                       ? first_chunks(shape, block, kRehearsedChunks / 4)
                                       : shape;
  const std::int64_t blocks =
      std::max(kRehearsedBlocks, kRehearsedChunks / chunks_of_block(shallow, block));
  const ContractionShape part = first_blocks(shallow, block, blocks);
  const ProductTime all = estimated(shape);
  const double besides = tile_cycles(block, shape) + all.sum() * kWeightOfWork;
  if (!is_part(part, shape)) return cycles_of_part(stage, part, block, most - besides) + besides;
  // The rest takes as long as the second half of the part, by what the rule says of both. Half of
  // the blocks, or where there are no more of them, half of their chunks.
  ContractionShape half = first_blocks(shallow, block, blocks / 2);
  if (!is_part(half, part)) half = first_chunks(part, block, kRehearsedChunks / 8);
  const ProductTime of_part = estimated(part), of_half = estimated(half);
  auto longest = all.bound();
  // The vector unit has nothing to do between a block's chunks, the array has in every one.
  if (of_part.*longest == of_half.*longest) longest = &ProductTime::array_cycles;
  const double growth = (all.*longest - of_part.*longest) / (of_part.*longest - of_half.*longest);
  const double first = cycles_of_part(stage, half, block, most - besides);
  const double both =
      cycles_of_part(stage, part, block, (most - besides + growth * first) / (1 + growth));
  return both + growth * (both - first) + besides;
}

double BlockChoice::cycles_of_part(const Stage& stage, const ContractionShape& part,
                                   const BlockSize& block, double most) const {
  StageEmitter trial(step_);
  trial.emit(stage, part, block);
  return cycles_of(trial, most);
}

double BlockChoice::cycles_of_step(const std::vector<BlockSize>& sizes, double most) const {
  StageEmitter trial(step_);
  for (std::size_t i = 0; i < sizes.size(); ++i) trial.emit(step_.plan.stages[i], sizes[i]);
  return cycles_of(trial, most);
}

double BlockChoice::cycles_of(const StageEmitter& trial, double most) const {
  constexpr double kLong = 1e12;
  std::vector<interface::CommandWords> commands;
  for (const CompiledCommand& command : trial.made().commands) commands.push_back(command.words);
  commands.push_back(encode(interface::HaltCommand{}));
  const auto limit = static_cast<cycle_model::Cycle>(std::clamp(most, 0.0, kLong)) + 1;
  return static_cast<double>(
      rehearse(step_.machine, step_.memory, commands, step_.programs.instructions, limit));
}

}  // namespace corank
