// The backward pass while differentiate() builds it: what the derivatives of the ops write to.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

/// The name of a value's gradient: "lora_A_grad" for a parameter, "dx" for x, "q_proj.du" for
/// q_proj.u.
std::string gradient_name(const Value& value);

class Backward {
 public:
  /// `wanted`: inputs whose gradient is a result, beside the trainable values.
  Backward(Graph& graph, const std::set<ValueId>& wanted);

  Graph& graph() { return graph_; }

  /// Whether a value depends on a trainable or wanted one: only then it has a gradient.
  bool needs(ValueId id) const { return active_.at(static_cast<std::size_t>(id)); }

  /// A product, times `factor`, is part of the gradient of `of`.
  void add_term(ValueId of, const Term& term, float factor);
  /// An existing value is part of the gradient of `of`.
  void add_value(ValueId of, ValueId gradient);
  /// Appends `op`, whose result `out` becomes a new value: that part of the gradient of `of` that
  /// the consumer with the result `consumer` gives. Does nothing if `of` needs no gradient.
  template <class X>
  void add_op(ValueId of, ValueId consumer, X op, ValueId X::*out = &X::out) {
    if (!needs(of)) return;
    op.*out = declare(of, consumer);
    const ValueId gradient = op.*out;
    graph_.ops.push_back(std::move(op));
    add_value(of, gradient);
  }
  /// A new value for part of the gradient of `of`: F32 if other parts will be added to it.
  ValueId declare(ValueId of, ValueId consumer);
  /// A new F32 value that is no gradient, on the way to that of `of`; its name is made unique.
  ValueId temporary(ValueId of, const std::string& name, const Shape& shape);

  /// factor * value.
  struct Scaled {
    ValueId value = -1;
    float factor = 1.0f;
  };
  /// The gradient of a computed value, complete now: of the sum before its scale where a
  /// contraction computes it. Nothing if no consumer has one.
  std::optional<Scaled> complete(ValueId of, float scale);
  /// The same of a trainable or wanted value: a result.
  void complete_leaf(ValueId of);
  /// Gives a gradient beforehand.
  void give(ValueId of, ValueId gradient);

  /// The pass to which the work on the gradient of a value belongs.
  Pass gradient_pass(ValueId of) const;

  /// The value behind conversions: a gradient passes through a rounding unchanged, so that a value
  /// and its rounded copies share one gradient.
  ValueId source(ValueId id) const { return source_.at(static_cast<std::size_t>(id)); }
  /// Values whose gradient has parts but is not complete.
  std::vector<ValueId> incomplete() const;
  /// Forward value -> gradient; copies included.
  std::map<ValueId, ValueId> gradients() const;

 private:
  struct Part {
    std::optional<Term> term;  // either a product ...
    ValueId value = -1;        // ... or a value
    float factor = 1.0f;
  };

  DType gradient_dtype(ValueId of) const;
  Origin part_origin(ValueId of) const;
  std::string unique_name(const std::string& name);
  ValueId chain_of(ValueId of, const std::string& name, float factor, float scale, DType dtype);
  ValueId sum_of(ValueId of, const std::string& name, DType dtype);

  Graph& graph_;
  std::set<ValueId> wanted_;
  std::vector<ValueId> source_;
  std::vector<bool> active_;
  std::vector<int> reads_;            // by source: operands of ops with a gradient
  std::vector<DType> operand_dtype_;  // by value: of the products that computed it
  std::set<std::string> names_;
  std::map<ValueId, std::vector<Part>> parts_;  // by source
  std::map<ValueId, ValueId> gradients_;        // by source
};

}  // namespace corank
