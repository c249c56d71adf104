// Records arithmetic as a program of the vector unit: the body of an element-wise op
// (models/ops/op.h), run for Recorded in place of float, leaves the instructions that compute it.
#pragma once

#include <bitset>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "host/compiler/vector_program.h"
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
  /// The second operand of an instruction: a register, a constant, or an element of a value that
  /// every step is fed.
  struct Operand {
    unsigned index = 0;
    bool is_immediate = false;
    float immediate = 0;
    ValueId fed = -1;
    int element = 0;

    Operand() = default;
    // A body's numbers and constants are operands as they are.
    // NOLINTBEGIN(google-explicit-constructor)
    Operand(const Recorded& number) : index(number.index_) {}
    Operand(float constant) : is_immediate(true), immediate(constant) {}
    // NOLINTEND(google-explicit-constructor)
    Operand(ValueId value, int of_element) : is_immediate(true), fed(value), element(of_element) {}
  };

  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Reads a stream. The lowest free register takes the number; a MachineError if there is none.
  Recorded load(int stream);
  /// Writes a number to a stream, as soon as its last instruction has computed it; what was read
  /// from there and did not change is there already.
  void store(int stream, const Recorded& number);
  /// opcode(a, b) in the lowest free register, or in the one of `a` if nobody reads that again.
  static Recorded record(interface::VectorOpcode opcode, const Recorded& a, const Operand& b);
  static Recorded record(interface::VectorOpcode opcode, Recorded&& a, const Operand& b);

  /// All of it, but for loads of what nothing is computed of.
  VectorProgram program() const;

 private:
  friend class Recorded;

  struct Instruction {
    interface::VectorOpcode opcode = interface::VectorOpcode::kLoad;
    unsigned destination = 0, a = 0;  // registers
    Operand b;
    int stream = 0;
  };
  struct Store {
    int stream = 0;
    unsigned index = 0;      // of the register
    std::size_t before = 0;  // index of the next instruction
  };
  static constexpr std::size_t kRegisters = interface::kVectorRegisters;

  Recorded free_register();
  bool reads(unsigned index, std::size_t from, std::size_t end) const;  // by instructions
  bool is_used(std::size_t load) const;
  void rename(unsigned index, unsigned to, std::size_t from);

  std::vector<Instruction> instructions_;  // without the stores
  std::vector<Store> stores_;
  std::bitset<kRegisters> taken_;
};

/// The operators of a body: the first operand is Recorded, the second one Recorded or a float.
template <class A>
using RecordedOnly = std::enable_if_t<std::is_same_v<std::decay_t<A>, Recorded>, Recorded>;

template <class A>
RecordedOnly<A> operator+(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kAdd, std::forward<A>(a), b);
}
template <class A>
RecordedOnly<A> operator-(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kSubtract, std::forward<A>(a), b);
}
template <class A>
RecordedOnly<A> operator*(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kMultiply, std::forward<A>(a), b);
}
template <class A>
RecordedOnly<A> operator/(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kDivide, std::forward<A>(a), b);
}
template <class A>
RecordedOnly<A> maximum(A&& a, const Recorder::Operand& b) {
  return Recorder::record(interface::VectorOpcode::kMaximum, std::forward<A>(a), b);
}
inline Recorded sqrt(const Recorded& a) {
  return Recorder::record(interface::VectorOpcode::kSquareRoot, a, Recorder::Operand());
}

}  // namespace corank
