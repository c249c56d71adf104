// What a kernel sees of a graph's values: their elements in memory, floating-point ones widened to
// T.
#pragma once

#include <cstdint>
#include <map>
#include <type_traits>
#include <vector>

#include "models/base/tensor.h"
#include "models/graph/graph.h"
#include "models/numerics/convert.h"

namespace corank {

/// The dtype of a tensor of T.
template <class T>
constexpr DType kNative = std::is_same_v<T, float> ? DType::F32 : DType::F64;

template <class T>
class Arrays {
 public:
  explicit Arrays(const Graph& graph)
      : graph_(graph), operands_(graph.values.size()), results_(graph.values.size()) {}

  /// Elements of an operand, row-major. Those of another format are widened when they are asked for
  /// first: a kernel that reads them as they are stored, from operand(), has no need of copies.
  const T* floats(ValueId id) {
    const Tensor& tensor = operand(id);
    if (tensor.dtype == kNative<T>) return tensor.data<T>();
    std::vector<T>& wide = widened_[id];
    if (wide.empty()) {
      wide.resize(static_cast<std::size_t>(element_count(tensor.shape)));
      widen_elements(tensor, wide.data());
    }
    return wide.data();
  }
  const std::int64_t* integers(ValueId id) const {
    return operand(id).template data<std::int64_t>();
  }
  const Tensor& operand(ValueId id) const { return *operands_.at(index(id)); }
  /// Room for the elements of a result, all 0.
  T* result(ValueId id) const { return results_.at(index(id)); }

  const Shape& shape(ValueId id) const { return graph_.value(id).shape; }
  const std::string& name(ValueId id) const { return graph_.value(id).name; }
  const Graph& graph() const { return graph_; }
  std::int64_t elements(ValueId id) const { return element_count(shape(id)); }
  /// The last dimension, and the product of the others.
  std::int64_t columns(ValueId id) const { return shape(id).back(); }
  std::int64_t rows(ValueId id) const { return elements(id) / columns(id); }

  void set_operand(ValueId id, const Tensor& tensor) {
    operands_.at(index(id)) = &tensor;
    widened_.erase(id);
  }
  void set_result(ValueId id, T* elements) { results_.at(index(id)) = elements; }
  /// Forgets what was widened.
  void clear() { widened_.clear(); }

 private:
  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

  const Graph& graph_;
  std::vector<const Tensor*> operands_;
  std::map<ValueId, std::vector<T>> widened_;
  std::vector<T*> results_;
};

/// out = element_of(op, left, right) of every element, where the rows of right are used again and
/// again.
template <class X, class T>
void run_with_rows(const X& op, Arrays<T>& arrays) {
  const T* left = arrays.floats(op.left);
  const T* right = arrays.floats(op.right);
  T* out = arrays.result(op.out);
  const std::int64_t count = arrays.elements(op.left);
  const std::int64_t period = arrays.elements(op.right);
  for (std::int64_t i = 0; i < count; i += period) {
    for (std::int64_t j = 0; j < period; ++j) out[i + j] = element_of(op, left[i + j], right[j]);
  }
}

}  // namespace corank
