// Which ops are carried out together: what each costs, what fits, and whether it pays.

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"

namespace corank {
namespace {

// Products that are carried out together with another one take places from its operands, and the
// array waits now and then: they must save more than about a hundredth.
constexpr double kCompanyPrice = 1.01;

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

}  // namespace

OpCost Lowering::cost_of(int index) const {
  const Op& op = graph_.ops[static_cast<std::size_t>(index)];
  OpCost cost;
  if (const auto* contraction = std::get_if<Contraction>(&op)) {
    for (const Term& term : contraction->terms) cost.array_cycles += macs_of(graph_, term);
    cost.array_cycles /= machine_.array_rows * machine_.array_columns;
    cost.may_be_beside = piece_size(*contraction).has_value();
    cost.may_ride = may_ride(*contraction);
    return cost;
  }
  const VectorProgram program = program_of(graph_, op);
  const Value& value = graph_.value(results_of(op).front());
  cost.vector_cycles =
      ceil_div(element_count(value.shape), machine_.vector_lanes) * cycles_per_beat(program);
  const std::int64_t columns =
      std::min<std::int64_t>(kPanelColumnsBf16, layout(results_of(op).front()).columns);
  const std::int64_t operands = std::holds_alternative<AdamW>(op) ? kAdamWStreams : 1;
  cost.may_be_beside = lines_of(1, columns, areas_.lanes) <=
                       std::min(areas_.beside_lines / operands, areas_.output_lines);
  return cost;
}

void Lowering::decide(std::vector<Stage>& stages) {
  std::vector<Stage> decided;
  for (const Stage& stage : stages) {
    Stage together = contraction_at(stage.op) != nullptr ? what_pays(stage) : stage;
    std::vector<Stage> after;
    if (stage.rider >= 0 && together.rider < 0) {
      decided.push_back({stage.rider, {}});
      const auto out = static_cast<std::size_t>(contraction_at(stage.rider)->out);
      plan_.layouts[out] = layout_of(static_cast<ValueId>(out), true);
      // With that layout what reads it may take more room beside the product.
      together = what_pays({stage.op, stage.beside});
    }
    for (const int op : stage.beside) {
      if (std::count(together.beside.begin(), together.beside.end(), op) > 0) continue;
      // Products beside may need the rider's result; what is element-wise may need theirs.
      const bool first = contraction_at(op) != nullptr && together.rider < 0;
      (first ? decided : after).push_back({op, {}});
    }
    decided.push_back(together);
    decided.insert(decided.end(), after.begin(), after.end());
  }
  stages = std::move(decided);
}

Stage Lowering::what_pays(const Stage& stage) const {
  Stage best{stage.op, {}};
  double best_cycles = kUnlimited;
  std::vector<int> products, elementwise;
  for (const int op : stage.beside)
    (contraction_at(op) != nullptr ? products : elementwise).push_back(op);
  for (const bool rides : {false, true}) {
    for (const bool with_products : {false, true}) {
      for (const bool with_elementwise : {true, false}) {
        // The element-wise ops may need the products' results, and those the rider's.
        if (rides && !with_products && with_elementwise && !products.empty()) continue;
        if ((rides && !company_.riders) || (with_products && !company_.products)) continue;
        Stage part{stage.op, {}, rides ? stage.rider : -1};
        if (with_products) part.beside = products;
        if (with_elementwise)
          part.beside.insert(part.beside.end(), elementwise.begin(), elementwise.end());
        const bool extra = part.rider >= 0 || (with_products && !products.empty());
        const double cycles = cycles_of(part) * (extra ? kCompanyPrice : 1) +
                              (rides ? 0 : cycles_alone({stage.rider})) +
                              (with_products ? 0 : cycles_alone(products)) +
                              (with_elementwise ? 0 : cycles_alone(elementwise));
        if (cycles >= best_cycles) continue;
        best_cycles = cycles;
        best = part;
      }
    }
  }
  return best;
}

BesideUse Lowering::use_of(const Stage& stage) const {
  const Contraction* contraction = contraction_at(stage.op);
  BesideUse use{contraction != nullptr && contraction->bias.has_value(), false, false,
                stage.rider >= 0};
  for (const int beside : stage.beside)
    (contraction_at(beside) != nullptr ? use.products : use.elementwise) = true;
  return use;
}

double Lowering::cycles_of(const Stage& stage) const {
  if (stage.rider >= 0 && !rider_of(stage.rider, *contraction_at(stage.op))) return kUnlimited;
  const ContractionShape shape = shape_of(stage);
  const std::vector<BlockSize>& sizes = blocks_of(shape, use_of(stage));
  if (sizes.empty()) return kUnlimited;
  const BlockSize& size = sizes.front();
  ProductTime sum =
      estimate(size, shape, local_areas(machine_, limits_, use_of(stage)), machine_, memory_);
  for (const int op : stage.beside) {
    const ProductTime time = time_alone(op);
    sum.bus_cycles += time.bus_cycles;
    sum.command_cycles += time.command_cycles;
    // Beside a product, the vector unit has time enough: the schedule sees to that.
    if (contraction_at(op) == nullptr) continue;
    // It may fit no more since the layout of a rider that stayed behind was changed (decide).
    const auto piece = piece_size(*contraction_at(op));
    if (!piece) return kUnlimited;
    const ContractionShape piece_shape = shape_of(*contraction_at(op));
    sum.array_cycles +=
        time.array_cycles +
        change_of_sums() *
            static_cast<double>(ceil_div(piece_shape.columns, piece->columns) *
                                ceil_div(piece_shape.products.front().depth, piece->depth));
  }
  if (stage.rider >= 0) {
    // Its own operand, once for every block of rows, and its result.
    const Rider rider = *rider_of(stage.rider, *contraction_at(stage.op));
    const auto bytes = [&](ValueId id) { return static_cast<double>(layout(id).bytes()); };
    sum.bus_cycles +=
        (bytes(rider.own_block(0, 1).value) * static_cast<double>(ceil_div(shape.rows, size.rows)) +
         bytes(rider.contraction->out)) /
        bytes_per_cycle(machine_, memory_);
    sum.array_cycles +=
        time_alone(stage.rider).array_cycles +
        change_of_sums() * static_cast<double>(ceil_div(shape.rows, size.rows) *
                                               ceil_div(rider.product.shape.depth, size.depth));
  }
  return sum.longest();
}

const std::vector<BlockSize>& Lowering::blocks_of(const ContractionShape& shape,
                                                  const BesideUse& use) const {
  std::vector<std::int64_t> key{shape.rows,      shape.columns,       shape.output_fp32,
                                shape.has_bias,  shape.columns_outer, shape.streamed,
                                shape.most_rows, shape.most_depth,    use.biases,
                                use.elementwise, use.products,        use.rider};
  for (const ProductShape& product : shape.products)
    key.insert(key.end(),
               {product.depth, product.stream_depth_major, product.stationary_depth_major});
  const auto [known, is_new] = blocks_.try_emplace(key);
  if (is_new) {
    known->second = find_block_sizes(shape, local_areas(machine_, limits_, use), machine_, limits_,
                                     memory_, kRehearsed);
  }
  return known->second;
}

double Lowering::cycles_alone(const std::vector<int>& ops) const {
  double cycles = 0;
  for (const int op : ops) {
    if (op < 0) continue;
    const ProductTime time = time_alone(op);
    cycles += time.longest();
  }
  return cycles;
}

ProductTime Lowering::time_alone(int op) const {
  if (contraction_at(op) != nullptr) {
    const ContractionShape shape = shape_of(*contraction_at(op));
    const BesideUse use = use_of({op, {}});
    const std::vector<BlockSize>& sizes = blocks_of(shape, use);
    if (sizes.empty()) return {kUnlimited, kUnlimited, kUnlimited, kUnlimited, 0};
    return estimate(sizes.front(), shape, local_areas(machine_, limits_, use), machine_, memory_);
  }
  const Op& node = graph_.ops[static_cast<std::size_t>(op)];
  std::uint64_t bytes = 0;
  for (const ValueId id : operands_of(node)) bytes += layout(id).bytes();
  for (const ValueId id : results_of(node)) bytes += layout(id).bytes();
  return {static_cast<double>(bytes) / bytes_per_cycle(machine_, memory_),
          static_cast<double>(cost_of(op).vector_cycles), 0, 0, 0};
}

}  // namespace corank
