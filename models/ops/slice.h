// A part of an array, and an array made of parts.
#pragma once

#include <cstdint>

#include "models/ops/op.h"

namespace corank {

/// out = elements [begin, begin + length) of in along an axis (0, 1 or 2).
struct Slice {
  ValueId in = -1, out = -1;
  int axis = 0;
  std::int64_t begin = 0, length = 0;

  template <class Self, class Visit>
  static void visit_operands(Self& op, const Visit& visit) {
    visit(op.in);
  }
  template <class Self, class Visit>
  static void visit_results(Self& op, const Visit& visit) {
    visit(op.out);
  }
};

/// out = zeros, with in at [begin, begin + length of in) of an axis of `size`: a slice's
/// derivative.
struct Pad {
  ValueId in = -1, out = -1;
  int axis = 0;
  std::int64_t begin = 0, size = 0;

  template <class Self, class Visit>
  static void visit_operands(Self& op, const Visit& visit) {
    visit(op.in);
  }
  template <class Self, class Visit>
  static void visit_results(Self& op, const Visit& visit) {
    visit(op.out);
  }
};

/// out = the parts, one after another along an axis.
struct Concat {
  std::vector<ValueId> parts;
  ValueId out = -1;
  int axis = 0;

  template <class Self, class Visit>
  static void visit_operands(Self& op, const Visit& visit) {
    for (auto& part : op.parts) visit(part);
  }
  template <class Self, class Visit>
  static void visit_results(Self& op, const Visit& visit) {
    visit(op.out);
  }
};

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Slice& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Pad& op);
std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Concat& op);
template <class T>
void run(const Slice& op, Arrays<T>& arrays);
template <class T>
void run(const Pad& op, Arrays<T>& arrays);
template <class T>
void run(const Concat& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Slice& op, ValueId gradient);
void pull_back(Backward& backward, const Concat& op, ValueId gradient);

ValueId add_slice(Graph& graph, const std::string& name, ValueId in, int axis, std::int64_t begin,
                  std::int64_t length, DType dtype = DType::BF16);
ValueId add_concat(Graph& graph, const std::string& name, std::vector<ValueId> parts, int axis,
                   DType dtype = DType::BF16);

}  // namespace corank
