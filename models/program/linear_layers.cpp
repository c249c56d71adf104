#include "models/program/linear_layers.h"

#include <string>
#include <utility>

#include "models/graph/differentiate.h"

namespace corank {
namespace {

struct LayerForward {
  ValueId x = -1, y = -1;
  LoraValues lora;
};

LayerForward add_forward(Graph& graph, const LinearLayer& layer, const std::string& prefix) {
  LayerForward forward;
  forward.x = add_value(graph, {prefix + "x", {layer.tokens, layer.in}, DType::BF16, Role::kInput});
  const ValueId weight =
      add_value(graph, {prefix + "weight", {layer.out, layer.in}, DType::BF16, Role::kFrozen});
  graph.values[static_cast<std::size_t>(weight)].storage = layer.storage;
  std::optional<ValueId> bias;
  if (layer.has_bias)
    bias = add_value(graph, {prefix + "bias", {layer.out}, DType::F32, Role::kFrozen});
  const GemmKind frozen_forward{Part::kFrozen, Pass::kForward};
  forward.y =
      add_contraction(graph, prefix + "y", {{forward.x, false, weight, true, frozen_forward}}, 1.0f,
                      bias, DType::BF16, Role::kResult);
  if (layer.lora.rank > 0) forward.lora = wrap_with_lora(graph, forward.y, layer.lora, prefix);
  return forward;
}

Origin origin_of_layer(std::size_t layer, std::size_t layers) {
  Origin origin;
  if (layers > 1) origin.module = std::to_string(layer);
  origin.group = static_cast<int>(layer);
  return origin;
}

/// Appends a layer's backward pass; returns what it trains.
std::vector<Trained> add_backward(TrainingProgram& program, const LinearLayer& layer,
                                  const LayerForward& forward, const std::string& prefix) {
  Graph& graph = program.graph;
  const ValueId dy =
      add_value(graph, {prefix + "dy", {layer.tokens, layer.out}, DType::BF16, Role::kInput});
  const auto gradients = differentiate(graph, {{{forward.y, dy}}, {forward.x}, {}});
  std::vector<Trained> trained;
  if (layer.lora.rank == 0) return trained;
  for (const ValueId master : {forward.lora.a, forward.lora.b}) {
    program.gradients[master] = gradients.at(master);
    trained.push_back({master, gradients.at(master), layer.next_update});
  }
  return trained;
}

}  // namespace

std::string layer_prefix(std::size_t layer, std::size_t layers) {
  return layers == 1 ? "" : std::to_string(layer) + ".";
}

Graph linear_layer_forward(const LinearLayer& layer) {
  Graph graph;
  add_forward(graph, layer, "");
  check(graph);
  return graph;
}

TrainingProgram linear_layers(const std::vector<LinearLayer>& layers,
                              const OptimizerSettings& optimizer) {
  TrainingProgram program;
  program.optimizer = optimizer;
  Graph& graph = program.graph;
  std::vector<LayerForward> forwards;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    graph.origin = origin_of_layer(i, layers.size());
    forwards.push_back(add_forward(graph, layers[i], layer_prefix(i, layers.size())));
  }
  // One layer after another: a layer's update may follow as soon as its gradients are there, unless
  // it waits for those of other micro-batches or for the norm of all.
  const bool at_once = optimizer.accumulate == 1 && optimizer.clip_norm == 0;
  std::vector<Trained> waiting;
  for (std::size_t i = layers.size(); i-- > 0;) {
    graph.origin = origin_of_layer(i, layers.size());
    const std::vector<Trained> trained =
        add_backward(program, layers[i], forwards[i], layer_prefix(i, layers.size()));
    if (at_once) {
      add_updates(program, trained);
    } else {
      waiting.insert(waiting.end(), trained.begin(), trained.end());
    }
  }
  graph.origin = {};
  repeat_micro_batches(program, optimizer.accumulate);
  for (Trained& one : waiting) one.gradient = program.gradients.at(one.parameter);
  if (!waiting.empty()) add_updates(program, waiting);
  check(graph);
  return program;
}

}  // namespace corank
