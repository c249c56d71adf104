#include "models/reference/execute.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/graph/def_use.h"
#include "models/numerics/convert.h"
#include "models/ops/arrays.h"
#include "models/quantized/decode.h"

namespace corank {
namespace {

/// The tensor of this name in `values`, else elsewhere; null: in neither.
const Tensor* find_tensor(const std::string& name, const TensorMap& values,
                          const TensorMap* elsewhere) {
  auto found = values.find(name);
  if (found != values.end()) return &found->second;
  if (elsewhere == nullptr) return nullptr;
  found = elsewhere->find(name);
  return found == elsewhere->end() ? nullptr : &found->second;
}

/// Checks a packed weight.
const QuantizedTensor& packed_weight(const Value& value, const QuantizedMap* packed) {
  const std::string expected =
      value.name + ": expected " + to_string(*value.storage) + " " + to_string(value.shape);
  if (packed == nullptr || packed->count(value.name) == 0)
    throw InputError(expected + ", found no such packed weight");
  const QuantizedTensor& tensor = packed->at(value.name);
  if (!(tensor.format == *value.storage) || tensor.shape != value.shape)
    throw InputError(expected + ", found " + to_string(tensor.format) + " " +
                     to_string(tensor.shape));
  check(tensor, value.name);
  return tensor;
}

/// Checks the given tensors and brings them into the form in which ops read them.
std::int64_t take_given(const Graph& graph, Numerics numerics, const ExecuteOptions& options,
                        TensorMap& values) {
  const TensorMap* elsewhere = options.given;
  std::int64_t bytes = 0;
  for (const Value& value : graph.values) {
    if (is_computed(value)) continue;
    if (value.storage) {
      bytes += bytes_of(packed_weight(value, options.packed));
      continue;
    }
    const std::string expected =
        value.name + ": expected " + name_of(value.dtype) + " " + to_string(value.shape);
    const Tensor* found = find_tensor(value.name, values, elsewhere);
    if (found == nullptr) throw InputError(expected + ", found no such tensor");
    const Tensor& tensor = *found;
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
      values[value.name] = converted(tensor, value.dtype);
    }
    if (value.role != Role::kConstants)  // a few numbers, which live in the programs
      bytes += static_cast<std::int64_t>(find_tensor(value.name, values, elsewhere)->bytes.size());
  }
  return bytes;
}

/// Executes one op; results are rounded where they are not T.
template <class T>
class OpExecutor {
 public:
  OpExecutor(const Graph& graph, Numerics numerics, TensorMap& values,
             const ExecuteOptions& options)
      : graph_(graph),
        numerics_(numerics),
        values_(values),
        elsewhere_(options.given),
        packed_(options.packed),
        arrays_(graph) {}

  void execute(const Op& op) {
    buffers_.clear();
    arrays_.clear();
    decoded_.clear();
    for (const ValueId id : operands_of(op)) arrays_.set_operand(id, operand(id));
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
    for (const auto& [tensor, elements] : stored)
      is_exact(op, tensor->dtype) ? store_exactly(*tensor, elements) : store(*tensor, elements);
  }

 private:
  T* new_buffer(const Shape& shape) {
    buffers_.emplace_back(static_cast<std::size_t>(element_count(shape)));
    return buffers_.back().data();
  }

  /// As it is given or was computed; a packed weight decoded.
  const Tensor& operand(ValueId id) {
    const Value& value = graph_.value(id);
    if (!value.storage) return *find_tensor(value.name, values_, elsewhere_);
    if (decoded_.count(id) == 0)
      decoded_[id] = decoded(packed_->at(value.name), stored_dtype(numerics_, value.dtype));
    return decoded_.at(id);
  }

  template <class X>
  void run_op(const X& op) {
    if constexpr (std::is_same_v<X, Contraction> && std::is_same_v<T, float>) {
      if (numerics_ == Numerics::kBf16) return run_chain(op, arrays_);
    }
    run(op, arrays_);
  }

  /// Whether the op only moves elements, for all of which the result has a format.
  bool is_exact(const Op& op, DType result) const {
    if (!traits_of(op).moves || numerics_ != Numerics::kBf16) return false;
    const std::vector<ValueId> operands = operands_of(op);
    return std::all_of(operands.begin(), operands.end(), [&](ValueId id) {
      return result == DType::F32 || graph_.value(id).dtype != DType::F32;
    });
  }

  static void store_exactly(Tensor& tensor, const T* elements) {
    if (tensor.dtype != DType::BF16) return;  // a result of FP32 is there already
    std::transform(elements, elements + element_count(tensor.shape), tensor.data<std::uint16_t>(),
                   [](T element) {
                     return static_cast<std::uint16_t>(bits_of(static_cast<float>(element)) >> 16);
                   });
  }

  /// The machine makes a NaN canonical at every step. No op's result depends on which NaN it met on
  /// the way, and what it stores an arithmetic operation gave, so that doing it once, on the stored
  /// result, gives the same bits.
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
  const TensorMap* elsewhere_;
  const QuantizedMap* packed_;
  Arrays<T> arrays_;
  std::vector<std::vector<T>> buffers_;
  std::map<ValueId, Tensor> decoded_;  // of the op
};

/// For each op the values that no later op reads and nobody else wants.
std::vector<std::vector<ValueId>> dying_values(const Graph& graph, const ExecuteOptions& options) {
  const std::vector<std::size_t> last = last_uses(graph);
  std::vector<std::vector<ValueId>> dying(graph.ops.size());
  if (options.keep_intermediates || graph.ops.empty()) return dying;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    const bool unread = value.role == Role::kIntermediate && options.keep.count(value.name) == 0;
    if (unread || options.passing.count(static_cast<ValueId>(id)) > 0)
      dying[last[id]].push_back(static_cast<ValueId>(id));
  }
  return dying;
}

template <class T>
void execute_ops(const Graph& graph, Numerics numerics, TensorMap& values,
                 const ExecuteOptions& options, ExecuteFigures& figures) {
  OpExecutor<T> executor(graph, numerics, values, options);
  OpExecutor<float> updater(graph, Numerics::kBf16, values, options);
  const std::vector<std::vector<ValueId>> dying = dying_values(graph, options);
  std::int64_t live = figures.given_bytes;
  const auto size_of = [&](ValueId id) {
    return static_cast<std::int64_t>(values.at(graph.value(id).name).bytes.size());
  };
  bool updating = false;
  figures.peak_bytes = live;
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const bool update = is_update(graph, graph.ops[i]);
    updating = updating || update;
    figures.stopped = !updating && options.stop && options.stop();
    if (figures.stopped) return;
    if (update) {
      const FloatEnvironment environment;
      updater.execute(graph.ops[i]);
    } else {
      executor.execute(graph.ops[i]);
    }
    for (const ValueId id : results_of(graph.ops[i])) live += size_of(id);
    figures.peak_bytes = std::max(figures.peak_bytes, live);
    for (const ValueId id : dying[i]) {
      live -= size_of(id);
      values.erase(graph.value(id).name);
    }
  }
}

}  // namespace

ExecuteFigures execute(const Graph& graph, Numerics numerics, TensorMap& values,
                       const ExecuteOptions& options) {
  check(graph);
  ExecuteFigures figures;
  figures.given_bytes = take_given(graph, numerics, options, values);
  if (numerics == Numerics::kFp64) {
    execute_ops<double>(graph, numerics, values, options, figures);
  } else {
    const FloatEnvironment environment;
    execute_ops<float>(graph, numerics, values, options, figures);
  }
  return figures;
}

}  // namespace corank
