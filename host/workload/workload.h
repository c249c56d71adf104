// What a run on the accelerator computes: a training step of one or several linear layers, captured
// from a real run or given by their sizes.
#pragma once

#include <string>
#include <vector>

#include "host/capture/capture.h"
#include "host/config/config.h"
#include "models/program/linear_layers.h"
#include "models/quantized/quantize.h"

namespace corank {

struct Workload {
  std::string source;           // the files or sizes, for reports
  std::vector<Capture> layers;  // at least one; of layers given by sizes, see make_layer
};

/// The layers that the configuration names (workload.capture, workload.captures or
/// workload.shapes), their weights to be packed as workload.quantize says. With values: off layers
/// given by sizes have no tensors. Throws InputError where it names none or more than one of these,
/// or a file is wrong.
Workload read_workload(const Config& config);

/// A layer of this size with normally distributed values, from a seed: activations of variance 1,
/// weights that keep it, small output gradients, an adapter and moments as after some steps.
Capture make_layer(const LinearLayer& layer, std::uint64_t seed);

/// One of the layers given by their sizes; without an adapter where the list of adapters leaves it
/// out.
LinearLayer layer_of(const LayerShapes& shapes, const LayerShape& shape);

std::vector<LinearLayer> layers_of(const Workload& workload);

/// The layers' inputs by the names of linear_layers(layers_of(workload)), taken out of the
/// workload: there is one copy of a weight. Without a suffix of micro-batches.
TensorMap take_inputs(Workload& workload);

/// Packs the weights among `inputs` that the program's graph stores packed; they are taken out.
QuantizedMap take_packed(const Graph& graph, Quantizer quantizer, TensorMap& inputs);

}  // namespace corank
