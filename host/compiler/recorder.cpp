#include "host/compiler/recorder.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

using interface::VectorOpcode;

std::uint64_t encode(VectorOpcode opcode, unsigned destination, unsigned a,
                     const Recorder::Operand& b, int stream) {
  interface::VectorInstruction instruction;
  instruction.opcode = opcode;
  instruction.destination = destination;
  instruction.a = a;
  instruction.b_immediate = b.is_immediate;
  (b.is_immediate ? instruction.immediate : instruction.b) =
      b.is_immediate ? bits_of(b.immediate) : b.index;
  instruction.stream = static_cast<std::uint32_t>(stream);
  return interface::encode(instruction);
}

}  // namespace

Recorded& Recorded::operator=(Recorded&& value) noexcept {
  if (recorder_->reads(index_, value.first_instruction_ + 1, recorder_->instructions_.size())) {
    // This register holds what `value` was computed of: its own is this number's from now on.
    std::swap(index_, value.index_);
  } else {
    recorder_->rename(value.index_, index_, value.first_instruction_);
  }
  first_instruction_ = value.first_instruction_;
  return *this;
}

Recorded::~Recorded() {
  if (recorder_ != nullptr) recorder_->taken_.reset(index_);
}

Recorded Recorder::load(int stream) {
  Recorded number = free_register();
  instructions_.push_back({VectorOpcode::kLoad, number.index_, 0, {}, stream});
  return number;
}

void Recorder::store(int stream, const Recorded& number) {
  const auto last =
      std::find_if(instructions_.rbegin(), instructions_.rend(),
                   [&](const Instruction& one) { return one.destination == number.index_; });
  const bool unchanged = last->opcode == VectorOpcode::kLoad && last->stream == stream;
  if (unchanged) return;
  stores_.push_back({stream, number.index_, static_cast<std::size_t>(instructions_.rend() - last)});
}

Recorded Recorder::record(VectorOpcode opcode, const Recorded& a, const Operand& b) {
  Recorder& recorder = *a.recorder_;
  Recorded result = recorder.free_register();
  recorder.instructions_.push_back({opcode, result.index_, a.index_, b, 0});
  return result;
}

Recorded Recorder::record(VectorOpcode opcode, Recorded&& a, const Operand& b) {
  a.recorder_->instructions_.push_back({opcode, a.index_, a.index_, b, 0});
  return std::move(a);
}

Recorded Recorder::free_register() {
  std::size_t index = 0;
  while (index < kRegisters && taken_[index]) ++index;
  if (index == kRegisters)
    throw MachineError("a vector program needs more registers than there are");
  taken_.set(index);
  return {this, static_cast<unsigned>(index), instructions_.size()};
}

bool Recorder::reads(unsigned index, std::size_t from, std::size_t end) const {
  const auto at = [&](std::size_t i) {
    return instructions_.begin() + static_cast<std::ptrdiff_t>(i);
  };
  return std::any_of(at(from), at(end), [&](const Instruction& one) {
    const bool of_b = !one.b.is_immediate && one.b.index == index;
    return one.opcode != VectorOpcode::kLoad && (one.a == index || of_b);
  });
}

void Recorder::rename(unsigned index, unsigned to, std::size_t from) {
  const auto change = [&](unsigned& field) { field = field == index ? to : field; };
  for (std::size_t i = from; i < instructions_.size(); ++i) {
    Instruction& one = instructions_[i];
    change(one.destination);
    if (i == from) continue;  // before, the register held something else
    change(one.a);
    change(one.b.index);
  }
  for (Store& store : stores_)
    if (store.before > from) change(store.index);
}

bool Recorder::is_used(std::size_t load) const {
  const unsigned index = instructions_[load].destination;
  std::size_t end = load + 1;  // behind the instruction that overwrites the register
  while (end < instructions_.size() && instructions_[end].destination != index) ++end;
  const auto stored = [&](const Store& store) {
    return store.index == index && store.before > load && store.before <= end;
  };
  return std::any_of(stores_.begin(), stores_.end(), stored) ||
         reads(index, load + 1, std::min(end + 1, instructions_.size()));
}

VectorProgram Recorder::program() const {
  VectorProgram program;
  std::vector<std::uint64_t>& words = program.instructions;
  for (std::size_t i = 0; i <= instructions_.size(); ++i) {
    for (const Store& store : stores_)
      if (store.before == i)
        words.push_back(encode(VectorOpcode::kStore, 0, store.index, {}, store.stream));
    if (i == instructions_.size()) break;
    const Instruction& one = instructions_[i];
    if (one.opcode == VectorOpcode::kLoad && !is_used(i)) continue;
    if (one.b.fed >= 0) program.fed.push_back({words.size(), one.b.fed, one.b.element});
    words.push_back(encode(one.opcode, one.destination, one.a, one.b, one.stream));
  }
  return program;
}

}  // namespace corank
