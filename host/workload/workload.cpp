#include "host/workload/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/workload/normal.h"
#include "host/workload/step_size.h"
#include "models/base/error.h"
#include "models/numerics/convert.h"

namespace corank {
namespace {

Workload from_files(const std::vector<std::string>& files) {
  Workload workload;
  for (const std::string& file : files) {
    workload.layers.push_back(read_capture(file));
    workload.source += (workload.source.empty() ? "" : ", ") + file;
  }
  return workload;
}

Workload from_shapes(const LayerShapes& shapes, std::uint64_t seed, bool values) {
  Workload workload;
  for (int turn = 0; turn < shapes.repeat; ++turn) {
    for (const LayerShape& shape : shapes.layers) {
      const LinearLayer layer = layer_of(shapes, shape);
      for (int i = 0; i < shape.repeat; ++i) {
        workload.layers.push_back(values ? make_layer(layer, seed + workload.layers.size())
                                         : Capture{layer, {}, {}});
      }
    }
  }
  workload.source = fmt::format(
      "{} layers by size, {}", workload.layers.size(),
      values ? fmt::format("random values from seed {}", seed) : std::string("without values"));
  return workload;
}

Workload layers_from(const Config& config) {
  if (!config.shapes.layers.empty()) {
    check_step_size(config);
    return from_shapes(config.shapes, config.seed, config.values);
  }
  return from_files(config.capture.empty() ? config.captures
                                           : std::vector<std::string>{config.capture});
}

}  // namespace

LinearLayer layer_of(const LayerShapes& shapes, const LayerShape& shape) {
  const std::vector<std::string>& names = shapes.adapters;
  const bool adapted =
      names.empty() || std::find(names.begin(), names.end(), shape.name) != names.end();
  LinearLayer layer;
  layer.tokens = shapes.tokens;
  layer.in = shape.in;
  layer.out = shape.out;
  layer.has_bias = shape.bias;
  layer.lora.rank = adapted ? shape.rank : 0;
  layer.lora.alpha = shape.alpha > 0 ? shape.alpha : 2.0 * layer.lora.rank;
  layer.next_update = 20;  // as the moments of make_layer are
  return layer;
}

Capture make_layer(const LinearLayer& layer, std::uint64_t seed) {
  Normal normal(seed);
  Capture made;
  made.layer = layer;
  const double by_inputs = 1 / std::sqrt(static_cast<double>(layer.in));
  const double gradient = 1e-3;
  TensorMap& inputs = made.inputs;
  inputs["x"] = bf16_tensor({layer.tokens, layer.in}, 1, normal);
  inputs["weight"] = bf16_tensor({layer.out, layer.in}, by_inputs, normal);
  inputs["dy"] = bf16_tensor({layer.tokens, layer.out}, gradient, normal);
  if (layer.has_bias) inputs["bias"] = f32_tensor({layer.out}, 0.1, normal);
  const std::int64_t rank = layer.lora.rank;
  if (rank == 0) return made;
  const std::vector<std::pair<std::string, Shape>> masters = {{"lora_A", {rank, layer.in}},
                                                              {"lora_B", {layer.out, rank}}};
  for (const auto& [name, size] : masters) {
    inputs[name] = f32_tensor(size, by_inputs, normal);
    inputs[name + ".exp_avg"] = f32_tensor(size, gradient, normal);
    Tensor& squares = inputs[name + ".exp_avg_sq"] = f32_tensor(size, gradient, normal);
    for (std::int64_t i = 0; i < element_count(size); ++i)
      squares.data<float>()[i] *= squares.data<float>()[i];
  }
  return made;
}

Workload read_workload(const Config& config) {
  const int given =
      !config.capture.empty() + !config.captures.empty() + !config.shapes.layers.empty();
  if (given > 1)
    throw InputError(place_of(config, "workload"),
                     "expected one of workload.capture, workload.captures and workload.shapes, "
                     "found more than one");
  if (given == 0)
    throw InputError(place_of(config, "workload.capture"),
                     "workload.capture is missing: the captured layer to run (or "
                     "workload.captures, workload.shapes or workload.model)");
  Workload workload = layers_from(config);
  if (config.quantize == Quantizer::kNone) return workload;
  for (Capture& capture : workload.layers)
    capture.layer.storage = format_of(config.quantize, {capture.layer.out, capture.layer.in});
  return workload;
}

std::vector<LinearLayer> layers_of(const Workload& workload) {
  std::vector<LinearLayer> layers;
  for (const Capture& capture : workload.layers) layers.push_back(capture.layer);
  return layers;
}

TensorMap take_inputs(Workload& workload) {
  TensorMap inputs;
  for (std::size_t i = 0; i < workload.layers.size(); ++i) {
    for (auto& [name, tensor] : workload.layers[i].inputs)
      inputs[layer_prefix(i, workload.layers.size()) + name] = std::move(tensor);
    workload.layers[i].inputs.clear();
  }
  return inputs;
}

QuantizedMap take_packed(const Graph& graph, Quantizer quantizer, TensorMap& inputs) {
  QuantizedMap packed;
  for (const Value& value : graph.values) {
    if (!value.storage) continue;
    const auto weight = inputs.extract(value.name);
    if (weight.empty()) continue;  // without values there are none
    packed.emplace(value.name, quantize(converted(weight.mapped(), DType::F32), quantizer));
  }
  return packed;
}

}  // namespace corank
