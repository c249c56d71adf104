// Records arithmetic as a program of the vector unit: the body of an element-wise op
// (models/ops/op.h), run for Recorded in place of float, leaves the instructions that compute it.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "host/compiler/vector_program.h"
#include "models/base/numerics.h"
#include "rtl/interface/interface.h"

namespace corank {

class Recorder;

/// A number of the body. It lies in a register, which it frees at its end; it cannot be copied, as
/// the vector unit has no instruction that copies.
class Recorded {
 public:
  Recorded(Recorded&& other) noexcept
      : recorder_(std::exchange(other.recorder_, nullptr)),
        index_(other.index_),
        first_instruction_(other.first_instruction_) {}
  /// Where it can, what computed `value` is changed to compute it in the register of this number.
  Recorded& operator=(Recorded&& value) noexcept;
  ~Recorded();

 private:
  friend class Recorder;
  Recorded(Recorder* recorder, unsigned index, std::size_t first_instruction)
      : recorder_(recorder), index_(index), first_instruction_(first_instruction) {}

  Recorder* recorder_;             // null: moved from
  unsigned index_;                 // of its register
  std::size_t first_instruction_;  // that wrote it, or an intermediate result in the same register
};

class Recorder {
 public:
  /// The second or third operand of an instruction: a register, a constant, or an element of a
  /// value that every step is fed. The third one is no such element, and no other constant than the
  /// second one, as an instruction has a single immediate.
  struct Operand {
    unsigned index = 0;
    bool is_immediate = false;
    std::uint32_t immediate = 0;  // a word
    ValueId fed = -1;
    int element = 0;
    std::optional<Dropout> dropout = std::nullopt;  // of whose constants the element is one

    Operand() = default;
    // A body's numbers and constants are operands as they are.
    // NOLINTBEGIN(google-explicit-constructor)
    Operand(const Recorded& number) : index(number.index_) {}
    Operand(float constant) : is_immediate(true), immediate(bits_of(constant)) {}
    Operand(std::int32_t constant)
        : is_immediate(true), immediate(static_cast<std::uint32_t>(constant)) {}
    // NOLINTEND(google-explicit-constructor)
    Operand(ValueId value, int of_element) : is_immediate(true), fed(value), element(of_element) {}
    Operand(const Dropout& op, int of_element)
        : is_immediate(true), fed(op.step), element(of_element), dropout(op) {}
  };

  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Reads a stream. The lowest free register takes the number; a MachineError if there is none.
  Recorded load(int stream);
  /// Writes a number to a stream, as soon as its last instruction has computed it; what was read
  /// from there and did not change is there already.
  void store(int stream, const Recorded& number) { store(stream, number, false); }
  /// The same without rounding, of a number that is BF16 already: its bits stay as they are.
  void store_exactly(int stream, const Recorded& number) { store(stream, number, true); }
  /// opcode(a, b, c) in the lowest free register, or in the one of `a` if nobody reads that again.
  static Recorded record(interface::VectorOpcode opcode, const Recorded& a, const Operand& b,
                         const Operand& c);
  static Recorded record(interface::VectorOpcode opcode, Recorded&& a, const Operand& b,
                         const Operand& c);

  /// What is recorded from now on is a section of its own: executed on every strip of a group, or
  /// once a group, there on all beats of a strip or on the first one alone.
  void begin_strips() { begin_section(false); }
  void begin_once() { begin_section(true); }
  void on_first_beat(bool alone) { first_beat_ = alone; }
  /// A constant in a register of its own.
  Recorded fill(const Operand& word);
  /// The numbers of the region's row and column.
  Recorded row_number() { return number(interface::VectorOpcode::kRowNumber); }
  Recorded column_number() { return number(interface::VectorOpcode::kColumnNumber); }

  /// Two neighbouring registers with a constant: 16 chains, of which odd strips go on with the
  /// second register.
  std::pair<Recorded, Recorded> fill_pair(const Operand& word);
  /// The chain's sum, maximum, ... with `x`: in `first` and, if it is one of a pair and
  /// `alternate`, in odd strips in the register beside.
  static void accumulate(interface::VectorOpcode opcode, const Recorded& chain, const Operand& x,
                         bool alternate);
  /// The same of a * b: one instruction.
  static void accumulate_product(const Recorded& chain, const Recorded& a, const Operand& b,
                                 bool alternate);
  /// opcode(a of the beat with that distance, a).
  static Recorded exchange(interface::VectorOpcode opcode, const Recorded& a, int distance);
  /// The first beat of `a` in all beats.
  static Recorded spread(const Recorded& a);

  /// All of it, but for loads of what nothing is computed of.
  struct Listing {
    std::vector<interface::VectorInstruction> instructions;  // of any number of streams
    std::vector<FedImmediate> fed;
  };
  Listing listing() const;
  /// The same, encoded. Throws MachineError if it has more streams than a command.
  VectorProgram program() const;

 private:
  friend class Recorded;

  struct Instruction {
    interface::VectorOpcode opcode = interface::VectorOpcode::kLoad;
    unsigned destination = 0, a = 0;  // registers
    Operand b, c;
    int stream = 0;
    bool once = false, alternate = false;  // of once: the first beat alone
    int distance = -1;                     // of exchanged beats; 0: the first one; -1: none is
    int section = 0;

    bool reads(unsigned index) const;
  };
  struct Store {
    int stream = 0;
    unsigned index = 0;      // of the register
    std::size_t before = 0;  // index of the next instruction
    bool once = false, first_beat = false;
    int section = 0;
    bool exact = false;
  };
  static constexpr std::size_t kRegisters = interface::kVectorRegisters;

  void store(int stream, const Recorded& number, bool exact);
  void begin_section(bool once);
  void push(const Instruction& instruction);
  Recorded number(interface::VectorOpcode opcode);
  Recorded take(std::size_t index);
  Recorded free_register();
  bool reads(unsigned index, std::size_t from, std::size_t end) const;  // by instructions
  bool is_used(std::size_t load) const;
  void rename(unsigned index, unsigned to, std::size_t from);

  std::vector<Instruction> instructions_;  // without the stores
  std::vector<Store> stores_;
  int section_ = 0;
  std::size_t section_begin_ = 0;  // its first instruction
  bool once_ = false, first_beat_ = false;
  std::bitset<kRegisters> taken_;
};

/// The operators of a body: the first operand is Recorded, the second one Recorded or a float.
template <class A>
using RecordedOnly = std::enable_if_t<std::is_same_v<std::decay_t<A>, Recorded>, Recorded>;

template <class A>
RecordedOnly<A> operator+(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kAdd, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> operator-(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kSubtract, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> operator*(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kMultiply, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> operator/(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kDivide, std::forward<A>(a), b, {});
}
inline Recorded sqrt(const Recorded& a) {
  return Recorder::record(interface::VectorOpcode::kSquareRoot, a, {}, {});
}

/// The functions of models/base/vector_arithmetic.h, an instruction each.
template <class A>
RecordedOnly<A> maximum(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kMaximum, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> minimum(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kMinimum, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> less(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kLess, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> less_equal(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kLessEqual, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> equal(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kEqual, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> int_less(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kIntLess, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> int_equal(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kIntEqual, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> scale_by_power_of_two(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kScaleByPowerOfTwo, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> bit_and(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kBitAnd, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> bit_or(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kBitOr, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> bit_xor(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kBitXor, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> int_add(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kIntAdd, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> int_subtract(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kIntSubtract, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> shift_left(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kShiftLeft, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> shift_right(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kShiftRight, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> shift_right_arithmetic(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kShiftRightArithmetic, std::forward<A>(a), b,
                          {});
}
template <class A>
RecordedOnly<A> rotate_left(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kRotateLeft, std::forward<A>(a), b, {});
}
template <class A>
RecordedOnly<A> multiply_add(A&& a, const Recorder::Operand& b, const Recorder::Operand& c) {
  return Recorder::record(interface::VectorOpcode::kMultiplyAdd, std::forward<A>(a), b, c);
}
template <class A>
RecordedOnly<A> select(A&& mask, const Recorder::Operand& b, const Recorder::Operand& c) {
  return Recorder::record(interface::VectorOpcode::kSelect, std::forward<A>(mask), b, c);
}
template <class A>
RecordedOnly<A> to_integer(A&& a) {
  return Recorder::record(interface::VectorOpcode::kToInteger, std::forward<A>(a), {}, {});
}
template <class A>
RecordedOnly<A> to_float(A&& a) {
  return Recorder::record(interface::VectorOpcode::kToFloat, std::forward<A>(a), {}, {});
}

/// The word of a register is a number or an integer without an instruction.
inline const Recorded& as_integer(const Recorded& a) { return a; }
inline const Recorded& as_number(const Recorded& a) { return a; }
inline Recorded as_integer(Recorded&& a) { return std::move(a); }
inline Recorded as_number(Recorded&& a) { return std::move(a); }

/// A constant in a register: selected whatever the word of `beside` is.
template <class Constant>
Recorded constant(const Recorded& beside, Constant value) {
  return select(beside, value, value);
}

}  // namespace corank
