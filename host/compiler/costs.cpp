#include "host/compiler/costs.h"

#include <algorithm>

#include "host/compiler/ceil_div.h"
#include "host/compiler/elementwise_tiles.h"
#include "host/compiler/followers.h"
#include "host/compiler/region_emitter.h"

namespace corank {
namespace {

// Blocks of the cost rule that are rehearsed, a choice: tests/host/compiler/block_choice_test.cpp
// holds what comes of it against all other blocks, simulated.
constexpr std::size_t kRehearsed = 24;

// Bytes of an element as a key.
std::int64_t parts_of_byte(double bytes) { return static_cast<std::int64_t>(bytes * 65536); }

}  // namespace

OpCost Costs::of_op(int op) const {
  OpCost cost;
  if (const Contraction* contraction = step_.product(op)) {
    for (const Term& term : contraction->terms) cost.array_cycles += macs_of(step_.graph, term);
    cost.array_cycles /= step_.machine.array_rows * step_.machine.array_columns;
    cost.may_overlap = overlapped_tile(step_, op).has_value();
    cost.may_fuse = may_be_fused(step_, *contraction);
    return cost;
  }
  if (step_.lowering(op).is_region()) {
    for (const RegionPass& pass : step_.lowering(op).passes)
      cost.vector_cycles += vector_cycles(step_, pass);
    return cost;
  }
  const TensorLayout& place = step_.layout(results_of(step_.op(op)).front());
  cost.vector_cycles = ceil_div(place.rows() * place.columns(), step_.machine.vector_lanes) *
                       cycles_per_beat(step_.lowering(op).program);
  cost.may_follow = may_follow(step_, op);
  for (const ElementStream& stream : step_.lowering(op).streams)
    if (stream.operand >= 0 && stream.result >= 0) cost.replaced.push_back(stream.operand);
  cost.may_overlap = fits_beside(op, local_areas(step_.machine, step_.limits));
  return cost;
}

double Costs::cycles_of(const Stage& stage) const {
  const Contraction& op = *step_.product(stage.op);
  if (stage.fused >= 0 && !fused_product(step_, stage.fused, op)) return kUnlimited;
  const ContractionShape shape = shape_of(step_, stage);
  const std::vector<BlockSize>& sizes = blocks_of(shape, use_of(step_, stage));
  if (sizes.empty()) return kUnlimited;
  const LocalAreas areas = areas_of(step_, stage);
  ProductTime sum = estimate(sizes.front(), shape, areas, step_.machine, step_.memory);
  sum *= static_cast<double>(batch_of(step_, op));
  for (const int overlapped : stage.overlapped) {
    // It may fit no more since the layout of a product that was not fused was changed (fuse()).
    if (!fits_beside(overlapped, areas)) return kUnlimited;
    add_overlapped(overlapped, sum);
  }
  if (stage.fused >= 0) add_fused(stage, shape, sizes.front(), sum);
  add_followers(stage, sum);
  return sum.longest();
}

// Whether tiles of an op find room in what a stage leaves them.
bool Costs::fits_beside(int op, const LocalAreas& areas) const {
  if (step_.product(op) != nullptr) return overlapped_tile(step_, op).has_value();
  if (step_.lowering(op).is_region()) return may_be_hidden(step_, op, areas);
  const TensorLayout& place = step_.layout(results_of(step_.op(op)).front());
  return lines_of(1, std::min(kPanelColumns, place.columns()), areas.lanes) <=
         most_lines(count_streams(step_, op), areas.overlap_lines, areas);
}

// What is there is not loaded.
void Costs::add_followers(const Stage& stage, ProductTime& sum) const {
  std::vector<ValueId> there{step_.product(stage.op)->out};
  for (const int op : stage.followers) {
    sum.vector_cycles += static_cast<double>(of_op(op).vector_cycles);
    for (const ElementStream& stream : step_.lowering(op).streams) {
      const ValueId id = stream.value();
      if (std::find(there.begin(), there.end(), id) != there.end()) continue;
      sum.bus_cycles += static_cast<double>(step_.layout(id).bytes()) /
                        bytes_per_cycle(step_.machine, step_.memory);
      if (stream.result >= 0) there.push_back(id);
    }
  }
}

void Costs::add_overlapped(int op, ProductTime& sum) const {
  const ProductTime time = alone(op);
  sum.bus_cycles += time.bus_cycles;
  sum.command_cycles += time.command_cycles;
  // Overlapped with a product, the vector unit has time enough: the schedule sees to that.
  if (step_.product(op) == nullptr) return;
  const BlockSize tile = overlapped_tile(step_, op).value();
  const ContractionShape shape = shape_of(step_, *step_.product(op));
  const std::int64_t tiles =
      ceil_div(shape.columns, tile.columns) * ceil_div(shape.products.front().depth, tile.depth);
  sum.array_cycles += time.array_cycles + accumulator_switch() * static_cast<double>(tiles);
}

// Its own operand, once for every block of rows, and its result.
void Costs::add_fused(const Stage& stage, const ContractionShape& shape, const BlockSize& size,
                      ProductTime& sum) const {
  const FusedProduct fused = fused_product(step_, stage.fused, *step_.product(stage.op)).value();
  const std::int64_t row_blocks = ceil_div(shape.rows, size.rows);
  const auto bytes = [&](ValueId id) { return static_cast<double>(step_.layout(id).bytes()); };
  sum.bus_cycles +=
      (bytes(fused.product.stationary) * static_cast<double>(row_blocks) + bytes(fused.out)) /
      bytes_per_cycle(step_.machine, step_.memory);
  sum.array_cycles +=
      alone(stage.fused).array_cycles +
      accumulator_switch() *
          static_cast<double>(row_blocks * ceil_div(fused.product.shape.depth, size.depth));
}

const std::vector<BlockSize>& Costs::blocks_of(const ContractionShape& shape,
                                               const StageUse& use) const {
  std::vector<std::int64_t> key{
      shape.rows,          shape.columns,     shape.output_fp32, shape.has_bias,
      shape.columns_outer, shape.streamed,    shape.most_rows,   shape.most_depth,
      use.biases,          use.narrow_biases, use.elementwise,   use.products,
      use.fused,           use.followers,     use.regions,       shape.narrow_columns};
  for (const ProductShape& product : shape.products)
    key.insert(key.end(),
               {product.depth, product.moving_depth_major, product.stationary_depth_major,
                product.moving_packed, product.stationary_packed,
                parts_of_byte(product.moving_bytes), parts_of_byte(product.stationary_bytes)});
  const auto [known, is_new] = blocks_.try_emplace(key);
  if (is_new) {
    known->second = find_block_sizes(shape, local_areas(step_.machine, step_.limits, use),
                                     step_.machine, step_.limits, step_.memory, kRehearsed);
  }
  return known->second;
}

double Costs::cycles_alone(const std::vector<int>& ops) const {
  double cycles = 0;
  for (const int op : ops)
    if (op >= 0) cycles += alone(op).longest();
  return cycles;
}

ProductTime Costs::alone(int op) const {
  if (const Contraction* contraction = step_.product(op)) {
    const ContractionShape shape = shape_of(step_, *contraction);
    const Stage stage{op, {}};
    const std::vector<BlockSize>& sizes = blocks_of(shape, use_of(step_, stage));
    if (sizes.empty()) return {kUnlimited, kUnlimited, kUnlimited, kUnlimited, 0};
    ProductTime time =
        estimate(sizes.front(), shape, areas_of(step_, stage), step_.machine, step_.memory);
    time *= static_cast<double>(batch_of(step_, *contraction));
    return time;
  }
  std::uint64_t bytes = 0;
  const auto add = [&](ValueId id) { bytes += id >= 0 ? step_.layout(id).bytes() : 0; };
  for (const ElementStream& stream : step_.lowering(op).streams) {
    add(stream.operand);
    add(stream.result);
  }
  if (step_.lowering(op).is_region() && !step_.lowering(op).is_view) {
    for (const ValueId id : operands_of(step_.op(op))) add(id);
    for (const ValueId id : results_of(step_.op(op))) add(id);
  }
  return {static_cast<double>(bytes) / bytes_per_cycle(step_.machine, step_.memory),
          static_cast<double>(of_op(op).vector_cycles), 0, 0, 0};
}

}  // namespace corank
