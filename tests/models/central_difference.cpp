#include "tests/models/central_difference.h"

#include <cmath>
#include <functional>

#include "models/graph/differentiate.h"
#include "models/reference/execute.h"

namespace corank::test {
namespace {

/// (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h: the error is of the order h^4.
double difference(const std::function<double(double)>& f, double h) {
  return (f(-2 * h) - 8 * f(-h) + 8 * f(h) - f(2 * h)) / (12 * h);
}

double norm(const std::vector<double>& elements) {
  double sum = 0;
  for (const double element : elements) sum += element * element;
  return std::sqrt(sum);
}

/// Fills in what is not given.
TensorMap all_inputs(const Graph& graph, const TensorMap& given, std::mt19937_64& generator) {
  TensorMap inputs = given;
  for (const Value& value : graph.values) {
    if (is_computed(value) || inputs.count(value.name) > 0) continue;
    inputs[value.name] = normal_f64(generator, value.shape);
  }
  return inputs;
}

std::vector<double> executed(const Graph& graph, TensorMap inputs, const std::string& name) {
  ExecuteOptions options;
  options.keep = {name};
  execute(graph, Numerics::kFp64, inputs, options);
  const Tensor& tensor = inputs.at(name);
  return std::vector<double>(tensor.data<double>(),
                             tensor.data<double>() + element_count(tensor.shape));
}

}  // namespace

Tensor normal_f64(std::mt19937_64& generator, const Shape& shape) {
  std::normal_distribution<double> distribution;
  Tensor tensor(DType::F64, shape);
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    tensor.data<double>()[i] = distribution(generator);
  }
  return tensor;
}

std::map<std::string, double> derivative_errors(const Graph& forward, ValueId y,
                                                const TensorMap& given,
                                                std::mt19937_64& generator) {
  Graph graph = forward;
  const std::string y_name = graph.value(y).name;
  const Shape shape = graph.value(y).shape;
  const ValueId g = add_value(graph, {"given.g", shape, graph.value(y).dtype, Role::kInput});
  const auto gradients = differentiate(graph, {{{y, g}}, {}, {}});
  check(graph);
  TensorMap inputs = all_inputs(graph, given, generator);
  const Tensor weights = inputs.at("given.g");
  TensorMap backward = inputs;
  execute(graph, Numerics::kFp64, backward);

  const auto loss = [&] {
    const std::vector<double> values = executed(forward, inputs, y_name);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * weights.data<double>()[i];
    return sum;
  };
  std::map<std::string, double> errors;
  for (std::size_t id = 0; id < forward.values.size(); ++id) {
    const Value& leaf = forward.values[id];
    if (leaf.role != Role::kTrainable) continue;
    const double* gradient =
        backward.at(graph.value(gradients.at(static_cast<ValueId>(id))).name).data<double>();
    double* elements = inputs.at(leaf.name).data<double>();
    std::vector<double> expected, deviation;
    for (std::int64_t i = 0; i < element_count(leaf.shape); ++i) {
      const double x = elements[i];
      expected.push_back(difference(
          [&](double h) {
            elements[i] = x + h;
            return loss();
          },
          1e-3));
      elements[i] = x;
      deviation.push_back(gradient[i] - expected.back());
    }
    const double error = norm(deviation);
    errors[leaf.name] = error == 0 ? 0 : error / norm(expected);
  }
  return errors;
}

std::map<std::string, double> loss_derivative_errors(const Graph& forward, ValueId loss,
                                                     const TensorMap& given, double step,
                                                     std::mt19937_64& generator) {
  Graph graph = forward;
  const std::string loss_name = graph.value(loss).name;
  DifferentiateRequest request;
  request.loss = loss;
  const auto gradients = differentiate(graph, request);
  check(graph);
  TensorMap inputs = all_inputs(graph, given, generator);
  TensorMap backward = inputs;
  execute(graph, Numerics::kFp64, backward);
  std::map<std::string, double> errors;
  for (std::size_t id = 0; id < forward.values.size(); ++id) {
    const Value& leaf = forward.values[id];
    if (leaf.role != Role::kTrainable) continue;
    const double* gradient =
        backward.at(graph.value(gradients.at(static_cast<ValueId>(id))).name).data<double>();
    const std::int64_t count = element_count(leaf.shape);
    // Half along the gradient, so that the derivative is not lost among the directions.
    const Tensor noise = normal_f64(generator, leaf.shape);
    std::vector<double> direction;
    const double size = norm({gradient, gradient + count}) / std::sqrt(static_cast<double>(count));
    double derivative = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      direction.push_back(noise.data<double>()[i] + gradient[i] / size);
      derivative += direction.back() * gradient[i];
    }
    double* elements = inputs.at(leaf.name).data<double>();
    const std::vector<double> original(elements, elements + count);
    const double expected = difference(
        [&](double h) {
          for (std::int64_t i = 0; i < count; ++i) {
            elements[i] =
                original[static_cast<std::size_t>(i)] + h * direction[static_cast<std::size_t>(i)];
          }
          return executed(forward, inputs, loss_name).front();
        },
        step);
    std::copy(original.begin(), original.end(), elements);
    errors[leaf.name] = std::abs(derivative - expected) / std::abs(expected);
  }
  return errors;
}

}  // namespace corank::test
