// corank as a library: LoRA training steps of a layer of one's own on the verilated accelerator.
#include <fmt/format.h>

#include <cmath>

#include "host/compiler/compiler.h"
#include "host/driver/device_executor.h"
#include "models/base/numerics.h"
#include "models/program/linear_layers.h"
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
  LinearLayer layer;
  layer.tokens = 32;
  layer.in = 96;
  layer.out = 64;
  layer.lora = {16, 4, false};  // alpha, rank, rsLoRA
  const TrainingProgram program = linear_layers({layer});

  // What is given once, beside the optimizer's moments, which start at zero ...
  TensorMap values = {{"weight", wave(DType::BF16, {64, 96}, 0.1f)},
                      {"lora_A", wave(DType::F32, {4, 96}, 0.1f)},
                      {"lora_B", wave(DType::F32, {64, 4}, 0.1f)}};
  for (auto& moment : initial_moments(program)) values.insert(std::move(moment));
  // ... and what each step is fed, beside the optimizer's constants.
  const TensorMap batch = {{"x", wave(DType::BF16, {32, 96}, 1.0f)},
                           {"dy", wave(DType::BF16, {32, 64}, 0.01f)}};

  PlatformConfig platform;  // an 8x8 array, a memory with 100 ns and 16 GB/s, a link
  platform.machine_library = machine_library(platform.shape);
  const auto memory_bytes = size_bytes(platform.memory);
  const CompiledStep step = compile(program, platform.shape, {}, memory_bytes);
  run_platform(platform, [&](HostPort& host) {
    DeviceExecutor device(host, step, program, platform.shape,
                          {platform.limits, 200000, memory_bytes});
    device.load(values);
    for (int i = 0; i < 3; ++i) {
      TensorMap feeds = optimizer_feeds(program, i);
      feeds.insert(batch.begin(), batch.end());
      const TensorMap results = device.step(feeds, {"y", "lora_A_grad"}).results;
      fmt::print("step {}: y[0, 0] = {}, dA[0, 0] = {}\n", i + 1,
                 widen(results.at("y").data<std::uint16_t>()[0]),
                 results.at("lora_A_grad").data<float>()[0]);
    }
    for (const StepResult& measured : device.take_measured())
      fmt::print("{} cycles\n",
                 measured.counters[static_cast<std::size_t>(interface::Counter::kCycles)]);
  });
}
