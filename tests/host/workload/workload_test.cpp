#include "host/workload/workload.h"

#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "tests/host/capture/small_capture.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

LayerShape shape(std::int64_t in, std::int64_t out, int rank) {
  LayerShape layer;
  layer.in = in;
  layer.out = out;
  layer.rank = rank;
  return layer;
}

double deviation(const Tensor& tensor) {
  double sum = 0;
  const std::int64_t count = element_count(tensor.shape);
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = widen(tensor.data<std::uint16_t>()[i]);
    sum += value * value;
  }
  return std::sqrt(sum / static_cast<double>(count));
}

}  // namespace

TEST_CASE("a layer by its size has values of the stated size, the same ones for the same seed") {
  LayerShapes shapes;
  shapes.tokens = 50;
  const LinearLayer step = layer_of(shapes, shape(400, 300, 7));
  const Capture layer = make_layer(step, 5);
  CHECK(layer.layer.lora.alpha == 14);
  CHECK(layer.inputs.at("lora_A").shape == Shape{7, 400});
  CHECK(layer.inputs.at("lora_B").shape == Shape{300, 7});
  CHECK(layer.inputs.count("bias") == 0);
  CHECK(deviation(layer.inputs.at("x")) == Approx(1).epsilon(0.02));
  CHECK(deviation(layer.inputs.at("weight")) == Approx(1.0 / 20).epsilon(0.02));
  CHECK(layer.inputs.at("x").bytes == make_layer(step, 5).inputs.at("x").bytes);
  CHECK(layer.inputs.at("x").bytes != make_layer(step, 6).inputs.at("x").bytes);
  for (std::int64_t i = 0; i < 2800; ++i)
    CHECK(layer.inputs.at("lora_A.exp_avg_sq").data<float>()[i] >= 0);
}

TEST_CASE("several layers have prefixes and values of their own, an only one has none") {
  Config config;
  config.shapes.tokens = 3;
  config.shapes.layers = {shape(4, 5, 1)};
  Workload only = read_workload(config);
  CHECK(take_inputs(only).count("x") == 1);
  config.shapes.layers.front().repeat = 2;
  config.shapes.layers.push_back(shape(6, 7, 2));
  Workload workload = read_workload(config);
  REQUIRE(workload.layers.size() == 3);
  const TensorMap inputs = take_inputs(workload);
  CHECK(inputs.at("0.x").bytes != inputs.at("1.x").bytes);
  CHECK(inputs.at("2.weight").shape == Shape{7, 6});
  CHECK(linear_layers(layers_of(workload)).graph.ops.size() ==
        3 * linear_layers({workload.layers[0].layer}).graph.ops.size());
}

TEST_CASE("captured layers are read in the order of the list") {
  const TemporaryFolder folder;
  Config config;
  for (const std::int64_t in : {8, 16}) {
    config.captures.push_back(folder.file(std::to_string(in) + ".safetensors"));
    write_safetensors(config.captures.back(), small_capture({4, in, 8, 2, 1}));
  }
  const Workload workload = read_workload(config);
  REQUIRE(workload.layers.size() == 2);
  CHECK(workload.layers[0].layer.in == 8);
  CHECK(workload.layers[1].layer.in == 16);
}

TEST_CASE("no layers, or layers in two ways, are refused") {
  const auto refusal = [](const Config& config) {
    try {
      read_workload(config);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Config config;
  config.file = "a.yaml";
  CHECK_THAT(refusal(config), Contains("a.yaml: workload.capture is missing"));
  config.capture = "x.safetensors";
  config.shapes.layers = {shape(4, 5, 1)};
  CHECK_THAT(refusal(config), Contains("found more than one"));
}
