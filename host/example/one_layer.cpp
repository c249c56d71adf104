// corank as a library: one LoRA training step of a layer of one's own on the verilated accelerator.
#include <fmt/format.h>

#include <cmath>

#include "host/compiler/compiler.h"
#include "host/driver/driver.h"
#include "models/base/numerics.h"
#include "models/graph/layer_step.h"
#include "sim/machine/build.h"
#include "sim/platform/platform.h"

using namespace corank;
// Something smooth instead of real activations and weights.
Tensor wave(DType dtype, const Shape& shape, float amplitude) {
  Tensor tensor(dtype, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    const float value = amplitude * std::sin(0.37f * static_cast<float>(i));
    if (dtype == DType::BF16) {
      tensor.data<std::uint16_t>()[i] = round_to_bf16(value);
    } else {
      tensor.data<float>()[i] = value;
    }
  }
  return tensor;
}

int main() {
  LayerStep layer;
  layer.tokens = 32;
  layer.in = 96;
  layer.out = 64;
  layer.lora = {16, 4, false};  // alpha, rank, rsLoRA
  const Graph graph = build_layer_step(layer);

  // Every value that the step does not compute itself is an input.
  TensorMap inputs = {{"x", wave(DType::BF16, {32, 96}, 1.0f)},
                      {"dy", wave(DType::BF16, {32, 64}, 0.01f)},
                      {"weight", wave(DType::BF16, {64, 96}, 0.1f)},
                      {"lora_A", wave(DType::F32, {4, 96}, 0.1f)},
                      {"lora_B", wave(DType::F32, {64, 4}, 0.1f)}};
  for (const std::string master : {"lora_A", "lora_B"}) {
    for (const char* moment : {".exp_avg", ".exp_avg_sq"})
      inputs[master + moment] = Tensor(DType::F32, inputs.at(master).shape);
  }

  PlatformConfig platform;  // an 8x8 array, a memory with 100 ns and 16 GB/s, a link
  platform.machine_library = machine_library(platform.shape);
  const auto memory_bytes = size_bytes(platform.memory);
  const CompiledStep step = compile(graph, platform.shape, {}, memory_bytes);
  StepResult result;
  run_platform(platform, [&](HostPort& host) {
    result = run_step(host, step, graph, platform.shape, inputs,
                      {platform.limits, 200000, memory_bytes});
  });
  fmt::print("{} cycles; y[0, 0] = {}, dA[0, 0] = {}\n",
             result.counters[static_cast<std::size_t>(interface::Counter::kCycles)],
             widen(result.results.at("y").data<std::uint16_t>()[0]),
             result.results.at("lora_A_grad").data<float>()[0]);
}
