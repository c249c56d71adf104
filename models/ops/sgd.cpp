#include "models/ops/sgd.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/base/text.h"
#include "models/ops/arrays.h"
#include "models/ops/checks.h"

namespace corank {
namespace {

void require_range(bool in_range, const char* what, const char* expected, double found) {
  if (in_range) return;
  throw InputError(std::string("SGD: expected ") + what + " " + expected + ", found " +
                   short_number(found));
}

template <class T>
void update(const SgdConstants& constants, std::int64_t count, const T* gradient, T* parameter,
            T* buffer) {
  T none{};  // the buffer of an update without momentum
  for (std::int64_t i = 0; i < count; ++i) {
    T g = gradient[i];
    update_element(constants, g, parameter[i], buffer == nullptr ? none : buffer[i]);
  }
}

}  // namespace

SgdConstants constants_of(const SgdOptions& options, std::int64_t step) {
  // The ranges are torch.optim.SGD's.
  require_range(options.lr >= 0 && std::isfinite(options.lr), "lr", "of at least 0", options.lr);
  require_range(options.momentum >= 0 && std::isfinite(options.momentum), "momentum",
                "of at least 0", options.momentum);
  require_range(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight_decay",
                "of at least 0", options.weight_decay);
  require_range(std::isfinite(options.dampening), "dampening", "to be finite", options.dampening);
  require_range(!options.nesterov || options.momentum > 0, "momentum",
                "above 0 for Nesterov's method", options.momentum);
  require_range(!options.nesterov || options.dampening == 0, "dampening",
                "of 0 for Nesterov's method", options.dampening);
  require_range(step >= 1, "step", "of at least 1", static_cast<double>(step));
  SgdConstants constants;
  constants.weight_decay = static_cast<float>(options.weight_decay);
  constants.momentum = static_cast<float>(options.momentum);
  constants.one_minus_dampening = step == 1 ? 1.0f : static_cast<float>(1.0 - options.dampening);
  constants.nesterov = options.nesterov;
  constants.negative_lr = static_cast<float>(-options.lr);
  return constants;
}

std::vector<Shape> infer_shapes(const Graph& graph, const std::string&, const Sgd& op) {
  const Value& parameter = existing_operand(graph, op.parameter, "SGD");
  const std::string name = "SGD of " + parameter.name;
  for (const auto& ids : {op.operands(), op.results()}) {
    for (const ValueId id : ids) {
      const Value& value = existing_operand(graph, id, name);
      require_dtype(value, {DType::F32}, name);
      require_shape(value, parameter.shape, name);
    }
  }
  return {parameter.shape, parameter.shape};
}

template <class T>
void run(const Sgd& op, Arrays<T>& arrays) {
  const std::int64_t count = arrays.elements(op.parameter);
  std::copy_n(arrays.floats(op.parameter), count, arrays.result(op.new_parameter));
  std::copy_n(arrays.floats(op.buffer), count, arrays.result(op.new_buffer));
  update(op.constants, count, arrays.floats(op.gradient), arrays.result(op.new_parameter),
         arrays.result(op.new_buffer));
}
template void run(const Sgd& op, Arrays<float>& arrays);
template void run(const Sgd& op, Arrays<double>& arrays);

void update_sgd(const SgdConstants& constants, std::int64_t count, const float* gradient,
                float* parameter, float* buffer) {
  update(constants, count, gradient, parameter, buffer);
  for (std::int64_t i = 0; i < count; ++i) parameter[i] = canonical(parameter[i]);
  for (std::int64_t i = 0; buffer != nullptr && i < count; ++i) buffer[i] = canonical(buffer[i]);
}

void add_sgd(Graph& graph, ValueId parameter, ValueId gradient, const SgdConstants& constants) {
  const Value master = graph.value(parameter);
  const auto add = [&](const std::string& suffix, Role role) {
    return add_value(graph, {master.name + suffix, master.shape, DType::F32, role});
  };
  Sgd sgd;
  sgd.parameter = parameter;
  sgd.gradient = gradient;
  sgd.buffer = add(".momentum_buffer", Role::kState);
  sgd.new_parameter = add(".new", Role::kResult);
  sgd.new_buffer = add(".momentum_buffer.new", Role::kResult);
  sgd.constants = constants;
  graph.ops.push_back(sgd);
}

}  // namespace corank
