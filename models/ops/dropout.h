// Inverted dropout (Srivastava et al., 2014) with a mask that is a function of a counter.
#pragma once

#include <cstdint>
#include <utility>

#include "models/numerics/functions.h"
#include "models/numerics/threefry.h"
#include "models/ops/op.h"

namespace corank {

/// out[i] = word(i) < round(rate * 2^32) ? 0 : in[i] * (1 / (1 - rate)), the factor rounded to
/// FP32, the threshold at most 2^32 - 1. The words are those of Threefry (numerics/threefry.h):
///   key = fold_in(fold_in(seed, stream), step), the seed being a key whose first word is its upper
///     half
///   word(i) = a ^ b of the block (a, b) of the counter (i / 2^32, i mod 2^32)
/// the same as jax.random.bits(fold_in(fold_in(PRNGKey(seed), stream), step)). An element depends
/// on its own number alone, whatever is computed beside it; were both words of a block used for two
/// elements, each lane of a vector unit would compute a block for half of it. No state is kept: the
/// derivative is the same op on the gradient.
struct Dropout {
  ValueId in = -1, step = -1, out = -1;  // step: I64 [1], the number of the training step
  double rate = 0;                       // from 0 to below 1
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // one mask for each

  static constexpr OpTraits kTraits = {"dropout", Recompute::kAlways};
  using Operands = Fields<&Dropout::in, &Dropout::step>;
  using Results = Fields<&Dropout::out>;
};

/// What the elements of a command have in common. Number is an integer, or what records an operand
/// that is fed.
template <class Number>
struct DropoutConstantsOf {
  ThreefryScheduleOf<Number> schedule;
  Number
      threshold;  // round(rate * 2^32), its sign bit changed: signed, it compares as the unsigned
};
using DropoutConstants = DropoutConstantsOf<std::int32_t>;
/// Of the elements from upper * 2^32 on.
DropoutConstants constants_of(const Dropout& op, std::int64_t step, std::uint32_t upper = 0);

/// The constants in a row: the schedule's first words, its second ones, the threshold.
inline constexpr int kDropoutWords = 13;
std::int32_t word_of(const DropoutConstants& constants, int index);

/// Of the element of that number (its lower 32 bits): a mask, whether it is dropped. 74
/// instructions.
template <class Integer, class Number>
Integer is_dropped(const DropoutConstantsOf<Number>& c, const Integer& number) {
  ThreefryBlock<Integer> block = threefry(c.schedule, number);
  Integer word = bit_xor(std::move(block.first), block.second);
  return int_less(bit_xor(std::move(word), kSignBit), c.threshold);
}

/// The element, where `dropped` is its mask.
template <class T, class Mask, class Factor>
T dropped_out(const Mask& dropped, const T& in, Factor factor) {
  return select(dropped, ConstantOf<T>(0), in * factor);
}

/// Whether element i is kept.
bool dropout_keeps(const Dropout& op, std::int64_t step, std::uint64_t i);

std::vector<Shape> infer_shapes(const Graph& graph, const std::string& name, const Dropout& op);
template <class T>
void run(const Dropout& op, Arrays<T>& arrays);
void pull_back(Backward& backward, const Dropout& op, ValueId gradient);

/// Throws InputError for a rate outside its range.
ValueId add_dropout(Graph& graph, const std::string& name, ValueId in, ValueId step, double rate,
                    std::uint64_t seed, std::uint64_t stream, DType dtype = DType::BF16);

}  // namespace corank
