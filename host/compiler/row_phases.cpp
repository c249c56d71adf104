#include "host/compiler/row_phases.h"

#include <algorithm>
#include <set>

#include "models/base/error.h"

namespace corank {
namespace {

using interface::VectorInstruction;
using interface::VectorOpcode;

bool has_stream(const VectorInstruction& one) {
  return one.opcode == VectorOpcode::kLoad || one.opcode == VectorOpcode::kStore;
}

// Where the sections of strips begin.
std::vector<std::size_t> begins_of_strips(const std::vector<VectorInstruction>& program) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < program.size(); ++i)
    if (!program[i].once && (i == 0 || program[i - 1].section_end)) begins.push_back(i);
  return begins;
}

// Instructions [begin, end) with their streams numbered anew.
RowPhase phase_of(const Recorder::Listing& listing, std::size_t begin, std::size_t end) {
  RowPhase phase;
  for (std::size_t i = begin; i < end; ++i) {
    VectorInstruction one = listing.instructions[i];
    if (i + 1 == end) one.section_end = false;
    if (has_stream(one)) {
      const auto known =
          std::find_if(phase.streams.begin(), phase.streams.end(),
                       [&](const RegionStream& stream) { return stream.block == one.stream; });
      const auto number = known - phase.streams.begin();
      if (known == phase.streams.end()) phase.streams.push_back({one.stream, 0});
      one.stream = static_cast<std::uint32_t>(number);
    }
    phase.program.instructions.push_back(interface::encode(one));
  }
  if (phase.streams.size() > static_cast<std::size_t>(kMostStreams))
    throw MachineError("a phase of a vector program has more streams than a command");
  for (FedImmediate fed : listing.fed) {
    if (fed.instruction < begin || fed.instruction >= end) continue;
    fed.instruction -= begin;
    phase.program.fed.push_back(fed);
  }
  return phase;
}

void check_elements(const std::vector<VectorInstruction>& program,
                    const std::vector<std::size_t>& begins,
                    const std::vector<RegionBlock>& blocks) {
  std::set<std::uint32_t> written, written_before;
  std::size_t phase = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const VectorInstruction& one = program[i];
    if (phase < begins.size() && i == begins[phase]) {
      written_before = written;
      ++phase;
    }
    if (!has_stream(one) || blocks.at(one.stream).meets == RegionBlock::Meets::kColumn) continue;
    if (one.opcode == VectorOpcode::kStore) {
      written.insert(one.stream);
    } else if (written_before.count(one.stream) > 0) {
      throw MachineError("a phase of a vector program reads what an earlier one has written");
    }
  }
}

}  // namespace

std::vector<RowPhase> row_phases(const Recorder& recorder, const std::vector<RegionBlock>& blocks) {
  const Recorder::Listing listing = recorder.listing();
  const std::vector<VectorInstruction>& program = listing.instructions;
  const std::vector<std::size_t> begins = begins_of_strips(program);
  check_elements(program, begins, blocks);
  std::vector<RowPhase> phases;
  for (std::size_t k = 0; k < begins.size(); ++k) {
    const std::size_t end = k + 1 < begins.size() ? begins[k + 1] : program.size();
    const std::size_t begin = k == 0 ? 0 : begins[k];
    std::size_t end_of_strips = begins[k];
    while (end_of_strips < end && !program[end_of_strips].once) ++end_of_strips;
    RowPhase phase = phase_of(listing, begin, end);
    phase.of_first = begins[k] - begin;
    phase.of_last = end - end_of_strips;
    phases.push_back(std::move(phase));
  }
  return phases;
}

}  // namespace corank
