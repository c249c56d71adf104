// What a contraction is to the array: its products and their shape, what could ride along with it,
// and the pieces of one that is carried out beside another.

#include <algorithm>

#include "host/compiler/ceil_div.h"
#include "host/compiler/lowering.h"

namespace corank {
namespace {

interface::Gemm counter_kind(const GemmKind& kind) {
  return static_cast<interface::Gemm>(3 * static_cast<std::uint32_t>(kind.part) +
                                      static_cast<std::uint32_t>(kind.pass));
}

}  // namespace

Product Lowering::product_of(const Term& term, bool swapped) const {
  const bool left_depth_major = term.left_transposed != layout(term.left).transposed;
  const bool right_depth_major = term.right_transposed == layout(term.right).transposed;
  const Shape& left = graph_.value(term.left).shape;
  Product product;
  product.stream = swapped ? term.right : term.left;
  product.stationary = swapped ? term.left : term.right;
  product.shape.depth = term.left_transposed ? left[0] : left[1];
  product.shape.stream_depth_major = swapped ? right_depth_major : left_depth_major;
  product.shape.stationary_depth_major = swapped ? left_depth_major : right_depth_major;
  product.kind = counter_kind(term.kind);
  return product;
}

std::vector<Product> Lowering::products_of(const Contraction& op) const {
  std::vector<Product> products;
  for (const Term& term : op.terms) products.push_back(product_of(term, layout(op.out).transposed));
  return products;
}

ContractionShape Lowering::shape_of(const Contraction& op) const {
  const TensorLayout& out = layout(op.out);
  ContractionShape shape;
  shape.rows = out.rows;
  shape.columns = out.columns;
  shape.output_fp32 = out.dtype == DType::F32;
  shape.has_bias = op.bias.has_value();
  shape.columns_outer = shape.streamed = streams(op);
  for (const Product& product : products_of(op)) shape.products.push_back(product.shape);
  return shape;
}

ContractionShape Lowering::shape_of(const Stage& stage) const {
  const Contraction& op = *contraction_at(stage.op);
  ContractionShape shape = shape_of(op);
  if (stage.rider >= 0)
    limit_for_rider(rider_of(stage.rider, op).value(),
                    local_areas(machine_, limits_, use_of(stage)), shape);
  return shape;
}

std::optional<Rider> Lowering::rider_of(int op, const Contraction& host) const {
  Rider rider;
  rider.op = op;
  rider.contraction = contraction_at(op);
  rider.product = products_of(*rider.contraction).front();
  rider.width = layout(rider.contraction->out).columns;
  const Product shared = products_of(host).front();
  if (rider.product.stream != shared.stream ||
      rider.product.shape.stream_depth_major != shared.shape.stream_depth_major ||
      rider.product.shape.depth != shared.shape.depth ||
      layout(host.out).columns < kPanelColumnsBf16)
    return std::nullopt;
  return rider;
}

bool Lowering::may_ride(const Contraction& op) const {
  const Shape& shape = graph_.value(op.out).shape;
  return op.terms.size() == 1 && !op.bias && !streams(op) &&
         graph_.value(op.out).dtype == DType::BF16 && shape.back() <= kPanelColumnsBf16;
}

void Lowering::limit_for_rider(const Rider& rider, const LocalAreas& areas,
                               ContractionShape& shape) const {
  const std::int64_t panels = ceil_div(rider.width, areas.lanes);
  shape.columns_outer = true;
  shape.most_rows = areas.beside_lines / panels;
  shape.most_depth = rider.product.shape.stationary_depth_major
                         ? areas.rider_lines / 2 / panels
                         : areas.rider_lines / 2 / rider.width * areas.lanes;
}

std::optional<BlockSize> Lowering::piece_size(const Contraction& op) const {
  if (op.terms.size() != 1 || needs_epilogue(graph_, op) || streams(op)) return std::nullopt;
  const ContractionShape shape = shape_of(op);
  const LocalAreas areas = local_areas(machine_, limits_, {false, false, true});
  const std::int64_t depth = shape.products.front().depth;
  BlockSize size{shape.rows, kPanelColumnsBf16,
                 ceil_div(depth, kPanelColumnsBf16) * kPanelColumnsBf16};
  while (size.depth > 0 &&
         (stream_lines(size, shape, areas.lanes) > areas.piece_stream_lines ||
          stationary_lines(size, shape, areas.lanes) > areas.piece_stationary_lines))
    size.depth -= kPanelColumnsBf16;
  if (size.depth == 0 || lines_of(shape.rows, kPanelColumnsBf16, areas.lanes) > areas.beside_lines)
    return std::nullopt;
  const std::int64_t parts = ceil_div(depth, size.depth);
  size.depth = ceil_div(ceil_div(depth, parts), kPanelColumnsBf16) * kPanelColumnsBf16;
  return size;
}

}  // namespace corank
