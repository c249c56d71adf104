// Matrix products as the array executes them: which operand is streamed, and which stays.
#pragma once

#include <cstdint>

#include "host/compiler/block_size.h"
#include "host/compiler/slots.h"
#include "models/graph/graph.h"
#include "rtl/interface/interface.h"

namespace corank {

/// A term as the array executes it. The output is computed as it is stored: if that is the
/// transpose, the operands change places.
struct Product {
  ValueId stream = -1, stationary = -1;
  ProductShape shape;
  interface::Gemm kind = interface::Gemm::kFrozenForward;
};

/// The block [depth, depth + depths) x [other, other + others) of an operand; `depth_major` tells
/// whether the stored matrix has the depth as its rows.
inline Block operand_block(ValueId value, bool depth_major, std::int64_t depth, std::int64_t depths,
                           std::int64_t other, std::int64_t others) {
  return depth_major ? Block{value, depth, other, depths, others}
                     : Block{value, other, depth, others, depths};
}
/// The same of the operands of a product; rows and columns are those of its result.
inline Block stream_block(const Product& product, std::int64_t depth, std::int64_t depths,
                          std::int64_t row, std::int64_t rows) {
  return operand_block(product.stream, product.shape.stream_depth_major, depth, depths, row, rows);
}
inline Block stationary_block(const Product& product, std::int64_t depth, std::int64_t depths,
                              std::int64_t column, std::int64_t columns) {
  return operand_block(product.stationary, product.shape.stationary_depth_major, depth, depths,
                       column, columns);
}

/// Local lines of a block.
inline std::int64_t lines_of(const Block& block, std::int64_t lanes) {
  return lines_of(block.rows, block.columns, lanes);
}

/// A narrow product on its way with another one: it streams the blocks that the other one's first
/// term streams, and brings its own stationary operand. (The array reads the next gemm's
/// stationary operand while it streams this one's rows, so what one streams the other must not
/// have as its stationary operand: both would read one bank.)
struct Rider {
  int op = -1;
  const Contraction* contraction = nullptr;
  Product product;
  std::int64_t width = 0;  // columns of its result

  Block own_block(std::int64_t depth, std::int64_t depths) const {
    return stationary_block(product, depth, depths, 0, width);
  }
};

}  // namespace corank
