// What a kernel sees of a graph's values: their elements in memory, floating-point ones widened to
// T.
#pragma once

#include <cstdint>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

template <class T>
class Arrays {
 public:
  explicit Arrays(const Graph& graph)
      : graph_(graph),
        floats_(graph.values.size()),
        integers_(graph.values.size()),
        results_(graph.values.size()) {}

  /// Elements of an operand, row-major.
  const T* floats(ValueId id) const { return floats_.at(static_cast<std::size_t>(id)); }
  const std::int64_t* integers(ValueId id) const {
    return integers_.at(static_cast<std::size_t>(id));
  }
  /// Room for the elements of a result, all 0.
  T* result(ValueId id) const { return results_.at(static_cast<std::size_t>(id)); }

  const Shape& shape(ValueId id) const { return graph_.value(id).shape; }
  const std::string& name(ValueId id) const { return graph_.value(id).name; }
  std::int64_t elements(ValueId id) const { return element_count(shape(id)); }
  /// The last dimension, and the product of the others.
  std::int64_t columns(ValueId id) const { return shape(id).back(); }
  std::int64_t rows(ValueId id) const { return elements(id) / columns(id); }

  void set_floats(ValueId id, const T* elements) { floats_.at(index(id)) = elements; }
  void set_integers(ValueId id, const std::int64_t* elements) {
    integers_.at(index(id)) = elements;
  }
  void set_result(ValueId id, T* elements) { results_.at(index(id)) = elements; }

 private:
  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }

  const Graph& graph_;
  std::vector<const T*> floats_;
  std::vector<const std::int64_t*> integers_;
  std::vector<T*> results_;
};

}  // namespace corank
