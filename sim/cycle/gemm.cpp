#include "sim/cycle/gemm.h"

#include <algorithm>
#include <cstring>

#include "models/base/numerics.h"
#include "models/numerics/matrix_product.h"

namespace corank::cycle_model {

namespace {

// Where a matrix lies in a local memory (rtl/README.md).
struct Place {
  std::uint32_t line, stride;
};

// [rows, columns] of a scratchpad matrix that may lie transposed, as FP32 with `pitch` floats a
// row.
void unpack(LocalMemory<std::uint16_t>& memory, const Place& place, bool transposed,
            std::size_t rows, std::size_t columns, std::size_t pitch, float* out) {
  const std::uint32_t lanes = memory.lanes();
  const std::size_t height = transposed ? columns : rows, width = transposed ? rows : columns;
  const std::size_t down = transposed ? 1 : pitch, along = transposed ? pitch : 1;
  for (std::size_t j = 0; j < width; j += lanes) {
    const std::size_t count = std::min<std::size_t>(lanes, width - j);
    for (std::size_t i = 0; i < height; ++i) {
      const std::uint16_t* line =
          memory.line(place.line + static_cast<std::uint32_t>(j / lanes) * place.stride +
                      static_cast<std::uint32_t>(i));
      float* to = out + i * down + j * along;
      for (std::size_t n = 0; n < count; ++n) to[n * along] = widen(line[n]);
    }
  }
}

}  // namespace

void GemmKernel::run(const interface::GemmCommand& gemm, LocalMemories& local) {
  const FloatEnvironment as_the_device;
  const std::size_t rows = gemm.rows, columns = gemm.columns, depth = gemm.depth;
  const std::size_t pitch = (columns + kChainColumns - 1) / kChainColumns * kChainColumns;
  const std::size_t lanes = local.accumulator.lanes();
  stream_.resize(rows * depth);
  stationary_.assign(depth * pitch, 0.0f);
  sums_.assign(rows * pitch, 0.0f);
  unpack(local.scratchpad, {gemm.stream_line, gemm.stream_stride}, gemm.stream_transposed != 0,
         rows, depth, depth, stream_.data());
  unpack(local.scratchpad, {gemm.stationary_line, gemm.stationary_stride},
         gemm.stationary_transposed != 0, depth, columns, pitch, stationary_.data());

  const auto for_each_line = [&](const auto& action) {
    for (std::size_t j = 0; j < columns; j += lanes) {
      const std::size_t bytes = std::min(lanes, columns - j) * sizeof(float);
      for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t line = gemm.accumulator_line + j / lanes * gemm.accumulator_stride + row;
        action(local.accumulator.line(static_cast<std::uint32_t>(line)),
               sums_.data() + row * pitch + j, bytes);
      }
    }
  };
  if (gemm.accumulate != 0) {
    for_each_line(
        [](const float* line, float* sums, std::size_t bytes) { std::memcpy(sums, line, bytes); });
  }
  continue_chains(rows, depth, pitch, {stream_.data(), depth}, {stationary_.data(), pitch},
                  {sums_.data(), pitch});
  for_each_line(
      [](float* line, const float* sums, std::size_t bytes) { std::memcpy(line, sums, bytes); });
}

}  // namespace corank::cycle_model
