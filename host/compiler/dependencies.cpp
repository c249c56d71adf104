#include "host/compiler/dependencies.h"

#include <algorithm>

namespace corank {
namespace {

// Granularity at which overlaps are seen; coarser means needless waits, never missing ones.
std::int64_t piece_size(Space space) {
  switch (space) {
    case Space::kMemory:
      return 4096;
    case Space::kProgram:
    case Space::kIndices:
      return 16;
    default:
      return 8;
  }
}

template <class Latest>
Latest& latest_at(std::vector<Latest>& list, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  if (i >= list.size()) list.resize(i + 1);
  return list[i];
}

}  // namespace

Dependencies::Dependencies(std::int64_t scratchpad_bank_lines, std::int64_t accumulator_bank_lines)
    : local_{LocalMemory{scratchpad_bank_lines, {}, {}},
             LocalMemory{accumulator_bank_lines, {}, {}}} {
  waited_.fill(kNoWaits);
}

// Calls visit(latest, whole): `whole` where any use of the place conflicts with one of the same
// kind, which are the ports of a bank; else the uses conflict where one of them writes.
template <class Visit>
void Dependencies::for_each_piece(const Access& access, const Visit& visit) {
  const std::int64_t size = piece_size(access.space);
  const std::int64_t first = access.begin / size, last = (access.end - 1) / size;
  switch (access.space) {
    case Space::kMemory:
      for (std::int64_t piece = first; piece <= last; ++piece) visit(memory_[piece], false);
      return;
    case Space::kProgram:
      for (std::int64_t piece = first; piece <= last; ++piece)
        visit(latest_at(program_, piece), false);
      return;
    case Space::kIndices:
      for (std::int64_t piece = first; piece <= last; ++piece)
        visit(latest_at(indices_, piece), false);
      return;
    default:
      break;
  }
  LocalMemory& memory = local_[static_cast<std::size_t>(access.space)];
  for (std::int64_t piece = first; piece <= last; ++piece)
    visit(latest_at(memory.pieces, piece), false);
  const std::int64_t lines = memory.bank_lines;
  for (std::int64_t bank = access.begin / lines; bank <= (access.end - 1) / lines; ++bank)
    visit(latest_at(memory.banks, bank), true);
}

Waits Dependencies::add(Engine engine, const std::vector<Access>& accesses) {
  const auto self = static_cast<std::size_t>(engine);
  const std::int32_t index = commands_++;
  Waits needed = kNoWaits;
  const auto need = [&](const Waits& latest) {
    for (std::size_t e = 0; e < kEngines; ++e) {
      if (e != self) needed[e] = std::max(needed[e], latest[e]);
    }
  };
  for (const Access& access : accesses) {
    for_each_piece(access, [&](const Latest& latest, bool port) {
      if (port) {
        need(access.write ? latest.write : latest.read);
        return;
      }
      need(latest.write);
      if (access.write) need(latest.read);
      if (access.space == Space::kIndices && !access.write)
        needed[self] = std::max(needed[self], latest.write[self]);
    });
  }
  for (const Access& access : accesses) {
    for_each_piece(access, [&](Latest& latest, bool /*port*/) {
      (access.write ? latest.write : latest.read)[self] = index;
    });
  }
  Waits waits = kNoWaits;
  for (std::size_t from = 0; from < kEngines; ++from) {
    if (needed[from] <= waited_[from][self]) continue;  // an earlier wait implies it
    waits[from] = waited_[from][self] = std::max(needed[from], oldest_in_window(from));
  }
  last_[self][of_unit_[self]++ % kWindow] = index;
  return waits;
}

std::int32_t Dependencies::oldest_in_window(std::size_t engine) const {
  return of_unit_[engine] < kWindow ? -1 : last_[engine][of_unit_[engine] % kWindow];
}

}  // namespace corank
