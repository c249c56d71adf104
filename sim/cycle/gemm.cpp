#include "sim/cycle/gemm.h"

#include <algorithm>
#include <cstring>

#include "models/base/numerics.h"

namespace corank::cycle_model {

namespace {

// Eight sums side by side; where the CPU has shorter vectors the compiler takes two.
using Sums = float __attribute__((vector_size(32)));
constexpr std::size_t kLanes = sizeof(Sums) / sizeof(float);
constexpr std::size_t kWidth = 2 * kLanes;  // columns at a time

// Rows x kWidth sums stay in registers over the whole depth: so many chains hide the latency of an
// addition. The array makes every NaN canonical at once; a NaN stays one to the end of its chain,
// so it is enough to do it there.
template <std::size_t Rows>
[[gnu::always_inline]] inline void chains(const float* stream, const float* stationary,
                                          std::size_t depth, std::size_t columns, float* sums) {
  Sums left[Rows], right[Rows];
  for (std::size_t row = 0; row < Rows; ++row) {
    std::memcpy(&left[row], sums + row * columns, sizeof(Sums));
    std::memcpy(&right[row], sums + row * columns + kLanes, sizeof(Sums));
  }
  for (std::size_t k = 0; k < depth; ++k) {
    Sums w_left, w_right;
    std::memcpy(&w_left, stationary + k * columns, sizeof(Sums));
    std::memcpy(&w_right, stationary + k * columns + kLanes, sizeof(Sums));
    for (std::size_t row = 0; row < Rows; ++row) {
      const float x = stream[row * depth + k];
      left[row] += x * w_left;
      right[row] += x * w_right;
    }
  }
  const float nan = float_from_bits(kCanonicalNanFp32);
  const Sums canonical_nan = {nan, nan, nan, nan, nan, nan, nan, nan};
  for (std::size_t row = 0; row < Rows; ++row) {
    left[row] = left[row] == left[row] ? left[row] : canonical_nan;
    right[row] = right[row] == right[row] ? right[row] : canonical_nan;
    std::memcpy(sums + row * columns, &left[row], sizeof(Sums));
    std::memcpy(sums + row * columns + kLanes, &right[row], sizeof(Sums));
  }
}

[[gnu::always_inline]] inline void product(const float* stream, const float* stationary,
                                           std::size_t rows, std::size_t depth, std::size_t columns,
                                           float* sums) {
  for (std::size_t column = 0; column < columns; column += kWidth) {
    std::size_t row = 0;
    for (; row + 4 <= rows; row += 4) {
      chains<4>(stream + row * depth, stationary + column, depth, columns,
                sums + row * columns + column);
    }
    for (; row < rows; ++row) {
      chains<1>(stream + row * depth, stationary + column, depth, columns,
                sums + row * columns + column);
    }
  }
}

[[gnu::target("avx2")]] void product_avx2(const float* stream, const float* stationary,
                                          std::size_t rows, std::size_t depth, std::size_t columns,
                                          float* sums) {
  product(stream, stationary, rows, depth, columns, sums);
}

void product_any(const float* stream, const float* stationary, std::size_t rows, std::size_t depth,
                 std::size_t columns, float* sums) {
  product(stream, stationary, rows, depth, columns, sums);
}

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
  const std::size_t pitch = (columns + kWidth - 1) / kWidth * kWidth;
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
  const auto kernel = __builtin_cpu_supports("avx2") ? product_avx2 : product_any;
  kernel(stream_.data(), stationary_.data(), rows, depth, pitch, sums_.data());
  for_each_line(
      [](float* line, const float* sums, std::size_t bytes) { std::memcpy(line, sums, bytes); });
}

}  // namespace corank::cycle_model
