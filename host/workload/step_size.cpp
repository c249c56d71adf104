#include "host/workload/step_size.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/compiler/compiler.h"
#include "host/compiler/memory_map.h"
#include "host/workload/workload.h"
#include "models/base/error.h"
#include "models/base/host_memory.h"

namespace corank {
namespace {

// Beside tensors the host keeps, of every layer, its graph, its commands and what the report says
// of it; of one that is not simulated (workload.layers: repeated) the last alone.
constexpr double kHostBytesOfLayer = 16384, kHostBytesOfRepeatedLayer = 2048;

// Doubles: what a user may write is more than 64 bits can count.
struct StepSize {
  double layers = 0, device_bytes = 0, host_bytes = 0;
};

StepSize size_of(const LinearLayer& layer, bool streamed) {
  StepSize size;
  size.layers = 1;
  for (const Value& value : linear_layers({layer}).graph.values) {
    if (value.role == Role::kIntermediate || value.role == Role::kConstants) continue;
    const std::int64_t rows = value.shape.size() < 2 ? 1 : value.shape[0];
    const bool with_the_host = streamed && value.name == "weight";
    if (!with_the_host)
      size.device_bytes += static_cast<double>(
          whole_pages(layout_of(value.dtype, rows, value.shape.back(), true).bytes()));
    size.host_bytes += static_cast<double>(element_count(value.shape)) *
                       static_cast<double>(bytes_of(value.dtype));
  }
  return size;
}

}  // namespace

void check_step_size(const Config& config) {
  const LayerShapes& shapes = config.shapes;
  StepSize all;
  for (const LayerShape& shape : shapes.layers) {
    const StepSize one = size_of(layer_of(shapes, shape), config.weights == Weights::kStreamed);
    const double times = static_cast<double>(shapes.repeat) * shape.repeat;
    all.layers += times;
    all.device_bytes += times * one.device_bytes;
    all.host_bytes += times * one.host_bytes;
  }
  const double device = static_cast<double>(config.memory.size_mib) * (1 << 20);
  if (all.device_bytes > device)
    throw InputError(location_of(config, kMemoryKeys),
                     fmt::format("the step needs at least {:.0f} bytes of device memory for its "
                                 "values; {} gives {:.0f} bytes",
                                 all.device_bytes, kMemoryKeys.front(), device));
  const auto host = static_cast<double>(host_memory_bytes());
  const double kept = all.layers * (config.layers == Layers::kRepeated ? kHostBytesOfRepeatedLayer
                                                                       : kHostBytesOfLayer);
  if (kept > host)
    throw InputError(location_of(config, {"workload.shapes.repeat", "workload.shapes"}),
                     fmt::format("workload.shapes: expected fewer layers: {:.0f} need at least "
                                 "{:.0f} bytes of this computer's memory, which has {:.0f}",
                                 all.layers, kept, host));
  if (config.values && all.host_bytes + kept > host)
    throw InputError(
        location_of(config, {"values", "workload.shapes"}),
        fmt::format("values: on: the step's tensors need at least {:.0f} bytes of this "
                    "computer's memory, which has {:.0f}; with values: off there are "
                    "none",
                    all.host_bytes + kept, host));
}

}  // namespace corank
