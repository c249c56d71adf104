// What the arithmetic instructions of the vector unit make of the words of their operands: a
// function for each, of its name in rtl/interface/interface.yaml.
#pragma once

#include <cmath>
#include <cstdint>

#include "models/base/numerics.h"
#include "models/base/vector_arithmetic.h"

namespace corank::cycle_model {

/// To be called within a FloatEnvironment.
struct VectorInstructions {
  using Word = std::uint32_t;

  static Word add(Word a, Word b) { return result(number(a) + number(b)); }
  static Word subtract(Word a, Word b) { return result(number(a) - number(b)); }
  static Word multiply(Word a, Word b) { return result(number(a) * number(b)); }
  static Word divide(Word a, Word b) { return result(number(a) / number(b)); }
  static Word square_root(Word a) { return result(std::sqrt(number(a))); }
  static Word multiply_add(Word a, Word b, Word c) {
    return result(corank::multiply_add(number(a), number(b), number(c)));
  }
  static Word scale_by_power_of_two(Word a, Word b) {
    return result(corank::scale_by_power_of_two(number(a), integer(b)));
  }

  static Word maximum(Word a, Word b) { return result(corank::maximum(number(a), number(b))); }
  static Word minimum(Word a, Word b) { return result(corank::minimum(number(a), number(b))); }
  static Word less(Word a, Word b) { return word(corank::less(number(a), number(b))); }
  static Word less_equal(Word a, Word b) { return word(corank::less_equal(number(a), number(b))); }
  static Word equal(Word a, Word b) { return word(corank::equal(number(a), number(b))); }
  static Word int_less(Word a, Word b) { return word(corank::int_less(integer(a), integer(b))); }
  static Word int_equal(Word a, Word b) { return word(corank::int_equal(integer(a), integer(b))); }
  static Word select(Word a, Word b, Word c) {
    return word(corank::select(integer(a), integer(b), integer(c)));
  }

  static Word bit_and(Word a, Word b) { return a & b; }
  static Word bit_or(Word a, Word b) { return a | b; }
  static Word bit_xor(Word a, Word b) { return a ^ b; }
  static Word int_add(Word a, Word b) { return a + b; }
  static Word int_subtract(Word a, Word b) { return a - b; }
  static Word shift_left(Word a, Word b) {
    return word(corank::shift_left(integer(a), integer(b)));
  }
  static Word shift_right(Word a, Word b) {
    return word(corank::shift_right(integer(a), integer(b)));
  }
  static Word shift_right_arithmetic(Word a, Word b) {
    return word(corank::shift_right_arithmetic(integer(a), integer(b)));
  }
  static Word rotate_left(Word a, Word b) {
    return word(corank::rotate_left(integer(a), integer(b)));
  }
  static Word to_integer(Word a) { return word(corank::to_integer(number(a))); }
  static Word to_float(Word a) { return result(corank::to_float(integer(a))); }

 private:
  static float number(Word word) { return float_from_bits(word); }
  static std::int32_t integer(Word word) { return static_cast<std::int32_t>(word); }
  static Word word(std::int32_t integer) { return static_cast<Word>(integer); }
  /// A NaN is the canonical one.
  static Word result(float number) {
    return number == number ? bits_of(number) : static_cast<Word>(kCanonicalNanFp32);
  }
};

}  // namespace corank::cycle_model
