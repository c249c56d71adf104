#include "tests/host/capture/small_capture.h"

#include <cmath>
#include <random>
#include <string>

#include "models/base/numerics.h"

namespace corank::test {
namespace {

Tensor f32(std::mt19937_64& random, const Shape& shape, float scale) {
  Tensor tensor(DType::F32, shape);
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<float>()[i] = scale * normal(random);
  return tensor;
}

Tensor bf16(std::mt19937_64& random, const Shape& shape, float scale) {
  const Tensor drawn = f32(random, shape, scale);
  Tensor tensor(DType::BF16, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i)
    tensor.data<std::uint16_t>()[i] = round_to_bf16(drawn.data<float>()[i]);
  return tensor;
}

}  // namespace

SafetensorsFile small_capture(const SmallLayer& layer) {
  std::mt19937_64 random(layer.seed);
  SafetensorsFile file;
  TensorMap& tensors = file.tensors;
  tensors["x"] = bf16(random, {layer.tokens, layer.in}, 1.0f);
  tensors["dy"] = bf16(random, {layer.tokens, layer.out}, 0.01f);
  tensors["weight"] = bf16(random, {layer.out, layer.in}, 0.05f);
  tensors["bias"] = f32(random, {layer.out}, 0.1f);
  for (const std::string master : {"lora_A", "lora_B"}) {
    const Shape shape =
        master == "lora_A" ? Shape{layer.rank, layer.in} : Shape{layer.out, layer.rank};
    tensors[master] = f32(random, shape, 0.05f);
    tensors[master + ".exp_avg"] = f32(random, shape, 1e-3f);
    Tensor second = f32(random, shape, 1e-6f);  // a mean of squares
    for (std::int64_t i = 0; i < element_count(shape); ++i)
      second.data<float>()[i] = std::fabs(second.data<float>()[i]);
    tensors[master + ".exp_avg_sq"] = second;
  }
  file.metadata = {{"r", std::to_string(layer.rank)},
                   {"lora_alpha", std::to_string(2 * layer.rank)},
                   {"use_rslora", "false"},
                   {"step", "3"}};
  return file;
}

}  // namespace corank::test
