#include "host/compiler/recorder.h"

#include <algorithm>

#include "models/base/error.h"

namespace corank {
namespace {

using interface::VectorOpcode;

// A MachineError for two constants: the body of an op is wrong.
void check_single_immediate(const Recorder::Operand& b, const Recorder::Operand& c) {
  if (!b.is_immediate || !c.is_immediate) return;
  if (b.fed >= 0 || c.fed >= 0 || b.immediate != c.immediate)
    throw MachineError("an instruction of a vector program has two constants");
}

interface::VectorInstruction instruction_of(VectorOpcode opcode, unsigned destination, unsigned a,
                                            const Recorder::Operand& b, const Recorder::Operand& c,
                                            int stream) {
  check_single_immediate(b, c);
  interface::VectorInstruction instruction;
  instruction.opcode = opcode;
  instruction.destination = destination;
  instruction.a = a;
  instruction.b_immediate = b.is_immediate;
  instruction.b = b.is_immediate ? 0 : b.index;
  instruction.c_immediate = c.is_immediate;
  instruction.c = c.is_immediate ? 0 : c.index;
  instruction.immediate = b.is_immediate ? b.immediate : c.immediate;
  instruction.stream = static_cast<std::uint32_t>(stream);
  return instruction;
}

}  // namespace

Recorded& Recorded::operator=(Recorded&& value) noexcept {
  if (recorder_ == nullptr) {  // moved from, as the first operand of what is assigned now
    recorder_ = std::exchange(value.recorder_, nullptr);
    index_ = value.index_;
  } else if (recorder_->reads(index_, value.first_instruction_ + 1,
                              recorder_->instructions_.size())) {
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
  push({VectorOpcode::kLoad, number.index_, 0, {}, {}, stream});
  return number;
}

void Recorder::store(int stream, const Recorded& number, bool exact) {
  const auto last =
      std::find_if(instructions_.rbegin(), instructions_.rend(),
                   [&](const Instruction& one) { return one.destination == number.index_; });
  const bool unchanged = last->opcode == VectorOpcode::kLoad && last->stream == stream;
  if (unchanged) return;
  const auto behind = static_cast<std::size_t>(instructions_.rend() - last);
  stores_.push_back({stream, number.index_, std::max(behind, section_begin_), once_, first_beat_,
                     section_, exact});
}

void Recorder::begin_section(bool once) {
  first_beat_ = false;
  if (once && once_) return;  // it goes on
  ++section_;
  section_begin_ = instructions_.size();
  once_ = once;
}

void Recorder::push(const Instruction& instruction) {
  instructions_.push_back(instruction);
  instructions_.back().once = once_;
  instructions_.back().section = section_;
  instructions_.back().alternate = instruction.alternate || (once_ && first_beat_);
}

Recorded Recorder::fill(const Operand& word) {
  Recorded result = free_register();
  push({VectorOpcode::kSelect, result.index_, result.index_, word, word, 0});
  return result;
}

Recorded Recorder::number(VectorOpcode opcode) {
  Recorded result = free_register();
  push({opcode, result.index_, 0, {}, {}, 0});
  return result;
}

std::pair<Recorded, Recorded> Recorder::fill_pair(const Operand& word) {
  std::size_t index = 0;
  while (index < kRegisters && (taken_[index] || taken_[index + 1])) index += 2;
  std::pair<Recorded, Recorded> pair{take(index), take(index + 1)};
  for (const Recorded* one : {&pair.first, &pair.second})
    push({VectorOpcode::kSelect, one->index_, one->index_, word, word, 0});
  return pair;
}

void Recorder::accumulate(VectorOpcode opcode, const Recorded& chain, const Operand& x,
                          bool alternate) {
  Instruction one{opcode, chain.index_, chain.index_, x, {}, 0};
  one.alternate = alternate;
  chain.recorder_->push(one);
}

void Recorder::accumulate_product(const Recorded& chain, const Recorded& a, const Operand& b,
                                  bool alternate) {
  Instruction one{VectorOpcode::kMultiplyAdd, chain.index_, a.index_, b, chain, 0};
  one.alternate = alternate;
  chain.recorder_->push(one);
}

Recorded Recorder::exchange(VectorOpcode opcode, const Recorded& a, int distance) {
  Recorded result = a.recorder_->free_register();
  Instruction one{opcode, result.index_, a.index_, a, {}, 0};
  one.distance = distance;
  a.recorder_->push(one);
  return result;
}

Recorded Recorder::spread(const Recorded& a) {
  Recorded result = a.recorder_->free_register();
  Instruction one{VectorOpcode::kBitOr, result.index_, a.index_, 0, {}, 0};
  one.distance = 0;
  a.recorder_->push(one);
  return result;
}

bool Recorder::Instruction::reads(unsigned index) const {
  const auto is_register = [&](const Operand& operand) {
    return !operand.is_immediate && operand.index == index;
  };
  return (opcode != VectorOpcode::kLoad && a == index) ||
         (interface::has_second_operand(opcode) && is_register(b)) ||
         (interface::has_third_operand(opcode) && is_register(c));
}

Recorded Recorder::record(VectorOpcode opcode, const Recorded& a, const Operand& b,
                          const Operand& c) {
  Recorder& recorder = *a.recorder_;
  Recorded result = recorder.free_register();
  recorder.push({opcode, result.index_, a.index_, b, c, 0});
  return result;
}

Recorded Recorder::record(VectorOpcode opcode, Recorded&& a, const Operand& b, const Operand& c) {
  a.recorder_->push({opcode, a.index_, a.index_, b, c, 0});
  return std::move(a);
}

Recorded Recorder::free_register() {
  std::size_t index = 0;
  while (index < kRegisters && taken_[index]) ++index;
  return take(index);
}

Recorded Recorder::take(std::size_t index) {
  if (index >= kRegisters)
    throw MachineError("a vector program needs more registers than there are");
  taken_.set(index);
  return {this, static_cast<unsigned>(index), instructions_.size()};
}

bool Recorder::reads(unsigned index, std::size_t from, std::size_t end) const {
  const auto at = [&](std::size_t i) {
    return instructions_.begin() + static_cast<std::ptrdiff_t>(i);
  };
  return std::any_of(at(from), at(end), [&](const Instruction& one) { return one.reads(index); });
}

void Recorder::rename(unsigned index, unsigned to, std::size_t from) {
  const auto change = [&](unsigned& field) { field = field == index ? to : field; };
  for (std::size_t i = from; i < instructions_.size(); ++i) {
    Instruction& one = instructions_[i];
    change(one.destination);
    if (i == from) continue;  // before, the register held something else
    change(one.a);
    change(one.b.index);
    change(one.c.index);
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

Recorder::Listing Recorder::listing() const {
  Listing listing;
  std::vector<interface::VectorInstruction>& made = listing.instructions;
  int section = 0;
  const auto add = [&](const interface::VectorInstruction& instruction, int of_section) {
    if (of_section != section && !made.empty()) made.back().section_end = true;
    section = of_section;
    made.push_back(instruction);
  };
  for (std::size_t i = 0; i <= instructions_.size(); ++i) {
    for (const Store& store : stores_) {
      if (store.before != i) continue;
      add(instruction_of(VectorOpcode::kStore, 0, store.index, {}, {}, store.stream),
          store.section);
      made.back().once = store.once;
      made.back().alternate = store.first_beat;
      made.back().b_immediate = store.exact;
    }
    if (i == instructions_.size()) break;
    const Instruction& one = instructions_[i];
    if (one.opcode == VectorOpcode::kLoad && !is_used(i)) continue;
    if (one.b.fed >= 0)
      listing.fed.push_back({made.size(), one.b.fed, one.b.element, one.b.dropout});
    add(instruction_of(one.opcode, one.destination, one.a, one.b, one.c, one.stream), one.section);
    made.back().once = one.once;
    made.back().alternate = one.alternate;
    made.back().exchange = one.distance >= 0;
    if (one.distance > 0) made.back().immediate = static_cast<std::uint32_t>(one.distance);
  }
  return listing;
}

VectorProgram Recorder::program() const {
  const Listing made = listing();
  VectorProgram program;
  program.fed = made.fed;
  for (const interface::VectorInstruction& one : made.instructions) {
    if (one.stream >= static_cast<std::uint32_t>(kMostStreams))
      throw MachineError("a vector program has more streams than a command");
    program.instructions.push_back(interface::encode(one));
  }
  return program;
}

}  // namespace corank
