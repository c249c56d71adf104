#include "host/driver/device_executor.h"

#include <utility>

namespace corank {

std::vector<ValueId> values_named(const Graph& graph, const std::set<std::string>& names) {
  std::vector<ValueId> ids;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (names.count(graph.values[id].name) > 0) ids.push_back(static_cast<ValueId>(id));
  }
  return ids;
}

void DeviceExecutor::load(const TensorMap& values, const QuantizedMap& packed) {
  load_ns_ = session_.load(machine_, values, packed);
}

ExecutedStep DeviceExecutor::step(const TensorMap& feeds, const std::set<std::string>& asked) {
  StepResult result = session_.step(feeds, values_named(program_.graph, asked));
  result.upload_ns += std::exchange(load_ns_, 0);
  ExecutedStep executed{result.stopped, std::move(result.results)};
  measured_.push_back(std::move(result));
  return executed;
}

TensorMap DeviceExecutor::read(const std::set<std::string>& states) {
  return session_.read(values_named(program_.graph, states));
}

}  // namespace corank
