#include "host/compiler/products.h"

#include <algorithm>

#include "host/compiler/ceil_div.h"

namespace corank {
namespace {

std::uint32_t index_of(const std::vector<GemmKind>& kinds, const GemmKind& kind) {
  return static_cast<std::uint32_t>(std::find(kinds.begin(), kinds.end(), kind) - kinds.begin());
}

// In device memory; of a plain one without its padding.
double bytes_of_element(const StepContext& step, ValueId operand) {
  const PackedPlace* packed = step.packed(operand);
  if (packed == nullptr) return 2;
  return static_cast<double>(packed->layout.bytes()) /
         static_cast<double>(packed->layout.rows * packed->layout.columns);
}

Product product_of(const StepContext& step, const Term& term, bool swapped, std::int64_t matrix) {
  const bool left_depth_major = term.left_transposed != step.layout(term.left).is_transposed();
  const bool right_depth_major = term.right_transposed == step.layout(term.right).is_transposed();
  const Shape& left = step.graph.value(term.left).shape;
  const Shape& right = step.graph.value(term.right).shape;
  Product product;
  product.moving = swapped ? term.right : term.left;
  product.stationary = swapped ? term.left : term.right;
  const std::int64_t left_rows = left[left.size() - 2], right_rows = right[right.size() - 2];
  product.shape.depth = term.left_transposed ? left_rows : left.back();
  product.moving_row = matrix * (swapped ? right_rows : left_rows);
  product.stationary_row = matrix * (swapped ? left_rows : right_rows);
  product.shape.moving_depth_major = swapped ? right_depth_major : left_depth_major;
  product.shape.stationary_depth_major = swapped ? left_depth_major : right_depth_major;
  product.kind = index_of(step.gemm_kinds, term.kind);
  product.shape.moving_packed = step.packed(product.moving) != nullptr;
  product.shape.stationary_packed = step.packed(product.stationary) != nullptr;
  product.shape.moving_bytes = bytes_of_element(step, product.moving);
  product.shape.stationary_bytes = bytes_of_element(step, product.stationary);
  return product;
}

// `depth_major` tells whether the stored matrix has the depth as its rows.
Block operand_block(ValueId value, bool depth_major, std::int64_t depth, std::int64_t depths,
                    std::int64_t other, std::int64_t others) {
  return depth_major ? Block{value, depth, other, depths, others}
                     : Block{value, other, depth, others, depths};
}

// The fused product's sums lie where those of overlapped work would; of its own operand there are
// two buffers at least. All blocks of the first columns, which it is fused with, come first.
void limit_for_fused(const FusedProduct& fused, const LocalAreas& areas, ContractionShape& shape) {
  const std::int64_t panels = ceil_div(fused.width, areas.lanes);
  shape.columns_outer = true;
  shape.most_rows = areas.overlap_lines / panels;
  shape.most_depth = fused.product.shape.stationary_depth_major
                         ? areas.fused_lines / 2 / panels
                         : areas.fused_lines / 2 / fused.width * areas.lanes;
}

}  // namespace

Block moving_block(const Product& product, std::int64_t depth, std::int64_t depths,
                   std::int64_t row, std::int64_t rows) {
  Block block =
      operand_block(product.moving, product.shape.moving_depth_major, depth, depths, row, rows);
  block.row += product.moving_row;
  return block;
}

Block stationary_block(const Product& product, std::int64_t depth, std::int64_t depths,
                       std::int64_t column, std::int64_t columns) {
  Block block = operand_block(product.stationary, product.shape.stationary_depth_major, depth,
                              depths, column, columns);
  block.row += product.stationary_row;
  return block;
}

std::int64_t batch_of(const StepContext& step, const Contraction& op) {
  const Shape& shape = step.graph.value(op.out).shape;
  return shape.size() > 2 ? shape.front() : 1;
}

std::vector<Product> products_of(const StepContext& step, const Contraction& op,
                                 std::int64_t matrix) {
  std::vector<Product> products;
  for (const Term& term : op.terms)
    products.push_back(product_of(step, term, step.layout(op.out).is_transposed(), matrix));
  return products;
}

bool has_streamed_weight(const StepContext& step, const Contraction& op) {
  return std::any_of(op.terms.begin(), op.terms.end(),
                     [&](const Term& term) { return step.is_streamed(term.right); });
}

ContractionShape shape_of(const StepContext& step, const Contraction& op) {
  const TensorLayout& out = step.layout(op.out);
  ContractionShape shape;
  shape.rows = out.rows() / batch_of(step, op);
  shape.columns = out.columns();
  shape.output_fp32 = out.format == ElementFormat::kFp32;
  shape.has_bias = op.bias.has_value();
  shape.narrow_bias = shape.has_bias && step.layout(*op.bias).format == ElementFormat::kBf16;
  shape.narrow_columns = shape.narrow_bias;
  shape.columns_outer = shape.streamed = has_streamed_weight(step, op);
  for (const Product& product : products_of(step, op)) shape.products.push_back(product.shape);
  return shape;
}

bool may_be_fused(const StepContext& step, const Contraction& op) {
  const Value& out = step.graph.value(op.out);
  return op.terms.size() == 1 && !op.bias && !has_streamed_weight(step, op) &&
         step.packed(op.terms.front().right) == nullptr && batch_of(step, op) == 1 &&
         out.dtype == DType::BF16 && out.shape.back() <= kPanelColumns;
}

std::optional<FusedProduct> fused_product(const StepContext& step, int op,
                                          const Contraction& carrier) {
  const Contraction& contraction = *step.product(op);
  const FusedProduct fused{op, products_of(step, contraction).front(),
                           step.layout(contraction.out).columns(), contraction.out};
  const Product shared = products_of(step, carrier).front();
  if (fused.product.moving != shared.moving ||
      fused.product.shape.moving_depth_major != shared.shape.moving_depth_major ||
      fused.product.shape.depth != shared.shape.depth ||
      step.layout(carrier.out).columns() < kPanelColumns)
    return std::nullopt;
  return fused;
}

std::optional<BlockSize> overlapped_tile(const StepContext& step, int op) {
  const Contraction& contraction = *step.product(op);
  if (contraction.terms.size() != 1 || !step.lowering(op).program.empty() ||
      batch_of(step, contraction) > 1 || has_streamed_weight(step, contraction))
    return std::nullopt;
  const ContractionShape shape = shape_of(step, contraction);
  StageUse use{false, false, false, true, false};
  const LocalAreas areas = local_areas(step.machine, step.limits, use);
  const std::int64_t depth = shape.products.front().depth;
  BlockSize size{shape.rows, kPanelColumns, ceil_div(depth, kPanelColumns) * kPanelColumns};
  while (size.depth > 0 &&
         (moving_lines(size, shape, areas.lanes) > areas.overlap_moving_lines ||
          stationary_lines(size, shape, areas.lanes) > areas.overlap_stationary_lines))
    size.depth -= kPanelColumns;
  if (size.depth == 0 || lines_of(shape.rows, kPanelColumns, areas.lanes) > areas.overlap_lines)
    return std::nullopt;
  const std::int64_t parts = ceil_div(depth, size.depth);
  size.depth = ceil_div(ceil_div(depth, parts), kPanelColumns) * kPanelColumns;
  return size;
}

StageUse use_of(const StepContext& step, const Stage& stage) {
  const Contraction* contraction = step.product(stage.op);
  const bool has_bias = contraction != nullptr && contraction->bias.has_value();
  const bool narrow = has_bias && step.layout(*contraction->bias).format == ElementFormat::kBf16;
  StageUse use{has_bias && !narrow,     narrow, false, false, stage.fused >= 0, false,
               !stage.followers.empty()};
  for (const int op : stage.overlapped) {
    const bool region = step.lowering(op).is_region();
    (step.product(op) != nullptr ? use.products : region ? use.regions : use.elementwise) = true;
  }
  return use;
}

LocalAreas areas_of(const StepContext& step, const Stage& stage) {
  return local_areas(step.machine, step.limits, use_of(step, stage));
}

namespace {

bool has_narrow_values(const StepContext& step, int elementwise) {
  const std::vector<ElementStream>& streams = step.lowering(elementwise).streams;
  return std::any_of(streams.begin(), streams.end(), [&](const ElementStream& stream) {
    return step.layout(stream.value()).format == ElementFormat::kBf16;
  });
}

}  // namespace

ContractionShape shape_of(const StepContext& step, const Stage& stage) {
  const Contraction& op = *step.product(stage.op);
  ContractionShape shape = shape_of(step, op);
  for (const int follower : stage.followers)
    shape.narrow_columns = shape.narrow_columns || has_narrow_values(step, follower);
  if (stage.fused >= 0)
    limit_for_fused(fused_product(step, stage.fused, op).value(), areas_of(step, stage), shape);
  return shape;
}

}  // namespace corank
