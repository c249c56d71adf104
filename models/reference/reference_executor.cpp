#include "models/reference/reference_executor.h"

#include <algorithm>
#include <utility>

#include "models/reference/execute.h"

namespace corank {

void ReferenceExecutor::load(const TensorMap& values, const QuantizedMap& packed) {
  given_ = &values;
  packed_ = &packed;
  values_.clear();
  for (const State& state : program_.states) {
    const std::string& name = program_.graph.value(state.value).name;
    const auto found = values.find(name);
    if (found != values.end()) values_[name] = found->second;  // the first step misses others
  }
}

ExecutedStep ReferenceExecutor::step(const TensorMap& feeds, const std::set<std::string>& asked) {
  const Graph& graph = program_.graph;
  for (const auto& [name, tensor] : feeds) values_[name] = tensor;
  ExecuteOptions options;
  options.given = given_;
  options.packed = packed_;
  options.passing = passing_values(program_, asked);
  options.stop = stop_;
  const ExecuteFigures figures = execute(graph, numerics_, values_, options);
  ExecutedStep executed;
  executed.stopped = figures.stopped;
  if (executed.stopped) return executed;
  peak_bytes_ = std::max(peak_bytes_, figures.peak_bytes);
  for (const std::string& name : asked) executed.results[name] = values_.at(name);
  for (const State& state : program_.states) {
    const auto next = values_.find(graph.value(state.next).name);
    values_[graph.value(state.value).name] = std::move(next->second);
    values_.erase(next);
  }
  for (const Value& value : graph.values) {
    if (value.role == Role::kResult || is_fed(value)) values_.erase(value.name);
  }
  return executed;
}

TensorMap ReferenceExecutor::read(const std::set<std::string>& states) {
  TensorMap tensors;
  for (const std::string& name : states) tensors[name] = values_.at(name);
  return tensors;
}

}  // namespace corank
