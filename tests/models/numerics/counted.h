// A number that stands for a register of the vector unit, of a number or of an integer: bodies run
// for it as they run for float, and every operation is an instruction that is counted. It cannot be
// copied, as the vector unit has no instruction that copies.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace corank::test {

struct Counts {
  int instructions = 0;  // all of them
  int iterative = 0;     // divisions and square roots among them

  /// Of the vector unit's pipeline for a beat: the dividers take a new one after 15.
  int cycles() const { return instructions + 14 * iterative; }
};

class Counted {
 public:
  explicit Counted(Counts& counts) : counts_(&counts) {}
  Counted(Counted&&) = default;
  Counted& operator=(Counted&&) = default;

  /// The second or third operand of an instruction: a register or an immediate.
  struct Operand {
    bool is_immediate;
    // NOLINTBEGIN(google-explicit-constructor): a body's numbers and constants are operands.
    Operand(const Counted&) : is_immediate(false) {}
    Operand(float) : is_immediate(true) {}
    Operand(std::int32_t) : is_immediate(true) {}
    // NOLINTEND(google-explicit-constructor)
  };

  /// An instruction of these operands, of which at most one is an immediate.
  Counted instruction(const Operand& b, const Operand& c, bool iterative = false) const {
    if (b.is_immediate && c.is_immediate) throw std::logic_error("two immediates");
    return counted(iterative);
  }
  Counted instruction(const Operand& b, bool iterative = false) const {
    return instruction(b, *this, iterative);
  }
  Counted counted(bool iterative = false) const {
    ++counts_->instructions;
    counts_->iterative += iterative ? 1 : 0;
    return Counted(*counts_);
  }

 private:
  Counts* counts_;
};

inline Counted operator+(const Counted& a, const Counted::Operand& b) { return a.instruction(b); }
inline Counted operator-(const Counted& a, const Counted::Operand& b) { return a.instruction(b); }
inline Counted operator*(const Counted& a, const Counted::Operand& b) { return a.instruction(b); }
inline Counted operator/(const Counted& a, const Counted::Operand& b) {
  return a.instruction(b, true);
}
inline Counted sqrt(const Counted& a) { return a.instruction(a, true); }

#define CORANK_COUNTED(name) \
  inline Counted name(const Counted& a, const Counted::Operand& b) { return a.instruction(b); }
CORANK_COUNTED(maximum)
CORANK_COUNTED(minimum)
CORANK_COUNTED(less)
CORANK_COUNTED(less_equal)
CORANK_COUNTED(equal)
CORANK_COUNTED(int_less)
CORANK_COUNTED(int_equal)
CORANK_COUNTED(bit_and)
CORANK_COUNTED(bit_or)
CORANK_COUNTED(bit_xor)
CORANK_COUNTED(int_add)
CORANK_COUNTED(int_subtract)
CORANK_COUNTED(shift_left)
CORANK_COUNTED(shift_right)
CORANK_COUNTED(shift_right_arithmetic)
CORANK_COUNTED(rotate_left)
CORANK_COUNTED(scale_by_power_of_two)
#undef CORANK_COUNTED

inline Counted multiply_add(const Counted& a, const Counted::Operand& b,
                            const Counted::Operand& c) {
  return a.instruction(b, c);
}
inline Counted select(const Counted& mask, const Counted::Operand& a, const Counted::Operand& b) {
  return mask.instruction(a, b);
}
inline Counted to_integer(const Counted& a) { return a.instruction(a); }
inline Counted to_float(const Counted& a) { return a.instruction(a); }

/// The bits of a register are a number or an integer without an instruction.
inline const Counted& as_integer(const Counted& a) { return a; }
inline const Counted& as_number(const Counted& a) { return a; }
inline Counted as_integer(Counted&& a) { return std::move(a); }
inline Counted as_number(Counted&& a) { return std::move(a); }

/// Selected whatever the register beside it holds: both choices are the one immediate.
inline Counted constant(const Counted& beside, const Counted::Operand&) { return beside.counted(); }

}  // namespace corank::test
