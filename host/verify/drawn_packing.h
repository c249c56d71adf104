// Packed weights of random cases: formats, and what is stored in them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/verify/drawn_case.h"
#include "models/graph/graph.h"
#include "models/quantized/quantized_tensor.h"

namespace corank {

/// "; packed: weight as nf4, blocks of 64, scales F32"; "" of a case with nothing packed.
std::string describe_packed(const DrawnCase& drawn);

namespace draw {

/// What is drawn of the packed weights of a case: numbers of its own, so that the rest of a case
/// does not depend on whether there are any.
class Packing {
 public:
  /// One case in three packs something, if its machine has a decoder.
  explicit Packing(const DrawnCase& drawn);

  bool wanted() const { return wanted_; }

  /// A size of about a panel of packed weights or several: half of the time, unless the array is so
  /// small that they take it long.
  std::optional<std::int64_t> wide_size();

  /// In which the accelerator decodes a matrix of this shape: what a quantizer makes
  /// (models/quantized/quantize.h), or of parts as packages write them.
  StorageFormat format(const Shape& shape);

  /// One of so many at least, each of the others half of the time.
  std::vector<bool> some_of(std::size_t count);

  /// Packs some of the frozen weights that products alone read, on their right; false: there are
  /// none.
  bool pack_some(Graph& graph);

  /// The packed weights, which are taken out of `values`: what a quantizer makes of them, or codes
  /// and scales of any kind. All scales and minimums are finite.
  QuantizedMap take(const Graph& graph, TensorMap& values);

  /// Half of the time puts a special value into scales or minimums, too, where something is planted
  /// and packed.
  void plant_more(DrawnCase& drawn);

 private:
  Random random_;
  bool large_;  // the array
  bool wanted_;
};

}  // namespace draw
}  // namespace corank
