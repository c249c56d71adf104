// Matrix products as the array executes them: which operand moves past it, and which one stays.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/compiler/block_size.h"
#include "host/compiler/step_context.h"
#include "host/compiler/tile_buffer.h"

namespace corank {

/// A term as the array executes it. The output is computed as it is stored: if that is the
/// transpose, the operands change places.
struct Product {
  ValueId moving = -1, stationary = -1;
  ProductShape shape;
  std::uint32_t kind = 0;  // in Plan::gemm_kinds
  // Rows of the stored matrices above those of this product: of a batch, the other matrices.
  std::int64_t moving_row = 0, stationary_row = 0;
};

/// How many products of matrices a contraction is: those of a batch.
std::int64_t batch_of(const StepContext& step, const Contraction& op);

/// The products of a contraction, with the layouts that are decided, and their shape: those of one
/// matrix of a batch.
std::vector<Product> products_of(const StepContext& step, const Contraction& op,
                                 std::int64_t matrix = 0);
ContractionShape shape_of(const StepContext& step, const Contraction& op);

/// The part of a moving or stationary operand for a part of the depth and of the rows, or columns,
/// of the result.
Block moving_block(const Product& product, std::int64_t depth, std::int64_t depths,
                   std::int64_t row, std::int64_t rows);
Block stationary_block(const Product& product, std::int64_t depth, std::int64_t depths,
                       std::int64_t column, std::int64_t columns);

/// Whether the host streams one of its stationary operands.
bool has_streamed_weight(const StepContext& step, const Contraction& op);

/// A narrow product that is fused with another one, its carrier: its gemms use the blocks of the
/// moving operand that are there for the carrier's first term, and a stationary operand of its own.
/// (The array reads the next gemm's stationary operand while this one's rows move, so what moves
/// for one must not be stationary for the other: both would be read from one bank.)
struct FusedProduct {
  int op = -1;
  Product product;
  std::int64_t width = 0;  // columns of its result
  ValueId out = -1;

  Block own_block(std::int64_t depth, std::int64_t depths) const {
    return stationary_block(product, depth, depths, 0, width);
  }
};

/// Whether a product is narrow enough to be fused, and its own operand can begin where the
/// carrier's blocks do, which one that is packed cannot everywhere.
bool may_be_fused(const StepContext& step, const Contraction& op);
/// Nothing where the carrier's moving operand is another one.
std::optional<FusedProduct> fused_product(const StepContext& step, int op,
                                          const Contraction& carrier);

/// The tiles of a narrow product that is overlapped with another one: all its rows, a panel of
/// columns, and as much of the depth as a buffer takes, in equal parts. Nothing where it cannot be:
/// the result must be as the sums are, and the operands lie in memory.
std::optional<BlockSize> overlapped_tile(const StepContext& step, int op);

/// What a stage needs room for, the lines that its uses have, and the shape of its product, which
/// a fused one limits.
StageUse use_of(const StepContext& step, const Stage& stage);
LocalAreas areas_of(const StepContext& step, const Stage& stage);
ContractionShape shape_of(const StepContext& step, const Stage& stage);

}  // namespace corank
