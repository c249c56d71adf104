#include "host/compiler/followers.h"

#include <algorithm>
#include <array>

#include "host/compiler/ceil_div.h"

namespace corank {
namespace {

// Lines of either memory that the streams of ops take beside what is there of `block`, a value, and
// of the ops before, for a part of a block.
std::array<std::int64_t, 2> lines_beside(const StepContext& step, ValueId block,
                                         const std::vector<int>& ops, const BlockSize& part,
                                         std::int64_t lanes) {
  std::array<std::int64_t, 2> lines{};
  std::vector<ValueId> there{block};
  for (const int op : ops) {
    for (const ElementStream& stream : step.lowering(op).streams) {
      if (stream.result >= 0) there.push_back(stream.result);
      const bool is_there = stream.operand >= 0 &&
                            std::find(there.begin(), there.end(), stream.operand) != there.end();
      if (is_there) continue;
      const bool narrow = step.layout(stream.value()).format == ElementFormat::kBf16;
      lines[narrow ? 0 : 1] += lines_of(stream.is_row ? 1 : part.rows, part.columns, lanes);
    }
  }
  return lines;
}

bool fits(const std::array<std::int64_t, 2>& lines, const LocalAreas& areas) {
  return lines[0] <= areas.follow_narrow_lines && lines[1] <= areas.follow_wide_lines;
}

std::int64_t least_columns(const LocalAreas& areas) {
  return std::max<std::int64_t>(kPanelColumns, areas.lanes);
}

}  // namespace

bool may_follow(const StepContext& step, int op) {
  const OpLowering& lowering = step.lowering(op);
  if (!lowering.is_elementwise()) return false;
  StageUse use;
  use.narrow_biases = use.products = use.fused = use.followers = true;
  const LocalAreas areas = local_areas(step.machine, step.limits, use);
  return fits(lines_beside(step, -1, {op}, {1, least_columns(areas), 0}, areas.lanes), areas);
}

std::size_t followers_with_room(const StepContext& step, const Stage& stage) {
  if (stage.followers.empty()) return 0;
  const LocalAreas areas = areas_of(step, stage);
  const ValueId out = step.product(stage.op)->out;
  const BlockSize least{1, std::min(least_columns(areas), step.layout(out).columns()), 0};
  std::vector<int> ops = stage.followers;
  while (!ops.empty() && !fits(lines_beside(step, out, ops, least, areas.lanes), areas))
    ops.pop_back();
  return ops.size();
}

void Followers::begin(const Block& block, Space space, const Local& local) {
  parts_.clear();
  emitted_ = 0;
  if (stage_.followers.empty()) return;
  block_ = block;
  product_ = {space, local, block.row, block.column};
  const BlockSize size = part_size(block);
  for (std::int64_t row = 0; row < block.rows; row += size.rows) {
    for (std::int64_t column = 0; column < block.columns; column += size.columns) {
      parts_.push_back({-1, block.row + row, block.column + column,
                        std::min(size.rows, block.rows - row),
                        std::min(size.columns, block.columns - column)});
    }
  }
}

void Followers::emit_until(double share) {
  const auto end = static_cast<std::size_t>(static_cast<double>(parts_.size()) * share);
  for (; emitted_ < end; ++emitted_) {
    held_ = {{block_.value, product_}};
    emit_part(parts_[emitted_]);
  }
}

BlockSize Followers::part_size(const Block& block) const {
  const std::int64_t step = least_columns(areas_);
  BlockSize size{1, ceil_div(block.columns, step) * step, 0};
  const auto all_fit = [&](std::int64_t rows, std::int64_t columns) {
    const BlockSize part{rows, std::min(columns, block.columns), 0};
    return fits(lines_beside(step_, block.value, stage_.followers, part, areas_.lanes), areas_);
  };
  while (size.columns > step && !all_fit(1, size.columns))
    size.columns = ceil_div(size.columns / 2, step) * step;
  size.rows = block.rows;
  while (size.rows > 1 && !all_fit(size.rows, size.columns)) size.rows = ceil_div(size.rows, 2);
  return size;
}

void Followers::emit_part(const Block& part) {
  const std::int64_t half = turn_++ % 2;
  next_ = {areas_.follow_narrow_line + half * areas_.follow_narrow_lines,
           areas_.follow_wide_line + half * areas_.follow_wide_lines};
  for (const int op : stage_.followers) {
    const std::vector<ElementStream>& streams = step_.lowering(op).streams;
    std::vector<LocalStream> places;
    places.reserve(streams.size());
    for (const ElementStream& stream : streams) places.push_back(stream_of(op, stream, part));
    emitter_.vector(op, part.rows, part.columns, places);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const ValueId result = streams[i].result;
      if (result < 0 || step_.is_local(result)) continue;
      Block block = part;
      block.value = result;
      emitter_.store(op, block, places[i].local.line);
    }
  }
}

LocalStream Followers::stream_of(int op, const ElementStream& stream, const Block& part) {
  Block block = part;
  block.value = stream.value();
  const auto held = held_.find(block.value);
  if (stream.operand >= 0 && held != held_.end()) {
    LocalStream there{held->second.space, held->second.local};
    there.first_row = part.row - held->second.row;
    there.first_column = part.column - held->second.column;
    return there;
  }
  if (stream.is_row) {
    block.row = 0;
    block.rows = 1;
  }
  const Space space = emitter_.space_of(block.value);
  const Local local = take(space, block);
  if (stream.operand >= 0) emitter_.load(op, block, local.line);
  if (stream.result >= 0) held_[stream.result] = {space, local, part.row, part.column};
  return {space, local, stream.result >= 0, stream.is_row};
}

Local Followers::take(Space space, const Block& block) {
  std::int64_t& next = next_[static_cast<std::size_t>(space)];
  const Local local{next, block.rows, block.columns};
  next += corank::lines_of(block.rows, block.columns, areas_.lanes);
  return local;
}

}  // namespace corank
