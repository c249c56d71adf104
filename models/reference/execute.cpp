#include "models/reference/execute.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/numerics/convert.h"
#include "models/ops/arrays.h"

namespace corank {
namespace {

/// Checks the given tensors and brings them into the form in which ops read them.
std::int64_t take_given(const Graph& graph, Numerics numerics, TensorMap& values) {
  std::int64_t bytes = 0;
  for (const Value& value : graph.values) {
    if (is_computed(value)) continue;
    const std::string expected =
        value.name + ": expected " + name_of(value.dtype) + " " + to_string(value.shape);
    const auto found = values.find(value.name);
    if (found == values.end()) throw InputError(expected + ", found no such tensor");
    Tensor& tensor = found->second;
    const bool fits = is_float(value.dtype) ? is_float(tensor.dtype) : tensor.dtype == value.dtype;
    if (!fits || tensor.shape != value.shape) {
      throw InputError(expected + ", found " + name_of(tensor.dtype) + " " +
                       to_string(tensor.shape));
    }
    const std::size_t size =
        static_cast<std::size_t>(element_count(tensor.shape)) * bytes_of(tensor.dtype);
    if (tensor.bytes.size() != size) {
      throw InputError(expected + ", found " + std::to_string(tensor.bytes.size()) + " bytes");
    }
    if (numerics == Numerics::kBf16 && tensor.dtype != value.dtype) {
      tensor = converted(tensor, value.dtype);
    }
    bytes += static_cast<std::int64_t>(tensor.bytes.size());
  }
  return bytes;
}

/// Executes one op; results are rounded where they are not T.
template <class T>
class OpExecutor {
 public:
  OpExecutor(const Graph& graph, Numerics numerics, TensorMap& values)
      : graph_(graph), numerics_(numerics), values_(values), arrays_(graph) {}

  void execute(const Op& op) {
    buffers_.clear();
    arrays_.clear();
    for (const ValueId id : operands_of(op))
      arrays_.set_operand(id, values_.at(graph_.value(id).name));
    const std::vector<ValueId> results = results_of(op);
    std::vector<std::pair<Tensor*, T*>> stored;
    for (const ValueId id : results) {
      const Value& value = graph_.value(id);
      Tensor& tensor = values_[value.name];
      tensor = Tensor(stored_dtype(numerics_, value.dtype), value.shape);
      T* elements = tensor.dtype == kNative<T> ? tensor.data<T>() : new_buffer(value.shape);
      arrays_.set_result(id, elements);
      stored.emplace_back(&tensor, elements);
    }
    std::visit([&](const auto& one) { run_op(one); }, op);
    for (const auto& [tensor, elements] : stored) store(*tensor, elements);
  }

 private:
  T* new_buffer(const Shape& shape) {
    buffers_.emplace_back(static_cast<std::size_t>(element_count(shape)));
    return buffers_.back().data();
  }

  template <class X>
  void run_op(const X& op) {
    if constexpr (std::is_same_v<X, Contraction> && std::is_same_v<T, float>) {
      if (numerics_ == Numerics::kBf16) return run_chain(op, arrays_);
    }
    run(op, arrays_);
  }

  /// The machine makes a NaN canonical at every step. A NaN stays one to the end of an op, whatever
  /// follows, so that doing it once, on the stored result, gives the same bits.
  void store(Tensor& tensor, const T* elements) const {
    if constexpr (std::is_same_v<T, float>) {
      if (numerics_ != Numerics::kBf16) return;
      const std::int64_t count = element_count(tensor.shape);
      if (tensor.dtype == DType::BF16) {
        std::transform(elements, elements + count, tensor.data<std::uint16_t>(), round_to_bf16);
      } else {
        std::transform(elements, elements + count, tensor.data<float>(), canonical);
      }
    }
  }

  const Graph& graph_;
  const Numerics numerics_;
  TensorMap& values_;
  Arrays<T> arrays_;
  std::vector<std::vector<T>> buffers_;
};

/// For each op the intermediates that no later op reads.
std::vector<std::vector<ValueId>> dying_values(const Graph& graph, const ExecuteOptions& options) {
  std::vector<std::size_t> last(graph.values.size());
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    for (const ValueId id : operands_of(graph.ops[i])) last[static_cast<std::size_t>(id)] = i;
    for (const ValueId id : results_of(graph.ops[i])) last[static_cast<std::size_t>(id)] = i;
  }
  std::vector<std::vector<ValueId>> dying(graph.ops.size());
  if (options.keep_intermediates || graph.ops.empty()) return dying;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (value.role == Role::kIntermediate && options.keep.count(value.name) == 0) {
      dying[last[id]].push_back(static_cast<ValueId>(id));
    }
  }
  return dying;
}

template <class T>
std::int64_t execute_ops(const Graph& graph, Numerics numerics, TensorMap& values,
                         const ExecuteOptions& options, std::int64_t given_bytes) {
  OpExecutor<T> executor(graph, numerics, values);
  const std::vector<std::vector<ValueId>> dying = dying_values(graph, options);
  std::int64_t live = given_bytes;
  std::int64_t peak = given_bytes;
  const auto size_of = [&](ValueId id) {
    return static_cast<std::int64_t>(values.at(graph.value(id).name).bytes.size());
  };
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    executor.execute(graph.ops[i]);
    for (const ValueId id : results_of(graph.ops[i])) live += size_of(id);
    peak = std::max(peak, live);
    for (const ValueId id : dying[i]) {
      live -= size_of(id);
      values.erase(graph.value(id).name);
    }
  }
  return peak;
}

}  // namespace

ExecuteFigures execute(const Graph& graph, Numerics numerics, TensorMap& values,
                       const ExecuteOptions& options) {
  check(graph);
  ExecuteFigures figures;
  figures.given_bytes = take_given(graph, numerics, values);
  if (numerics == Numerics::kFp64) {
    figures.peak_bytes = execute_ops<double>(graph, numerics, values, options, figures.given_bytes);
  } else {
    const FloatEnvironment environment;
    figures.peak_bytes = execute_ops<float>(graph, numerics, values, options, figures.given_bytes);
  }
  return figures;
}

}  // namespace corank
