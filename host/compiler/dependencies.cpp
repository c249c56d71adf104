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
      return 16;
    default:
      return 8;
  }
}

std::uint64_t key_of(Space space, std::int64_t piece) {
  return static_cast<std::uint64_t>(space) << 56 | static_cast<std::uint64_t>(piece);
}

}  // namespace

Dependencies::Dependencies(std::int64_t scratchpad_bank_lines, std::int64_t accumulator_bank_lines)
    : bank_lines_{scratchpad_bank_lines, accumulator_bank_lines} {
  for (auto& row : waited_) row.fill(-1);
}

std::size_t Dependencies::add(Engine engine, const std::vector<Access>& accesses) {
  const auto self = static_cast<std::size_t>(engine);
  const auto index = static_cast<std::int64_t>(tokens_.size());
  std::array<std::int64_t, kEngines> needed{-1, -1, -1, -1};
  const auto need = [&](const std::array<std::int64_t, kEngines>& latest) {
    for (std::size_t e = 0; e < kEngines; ++e) {
      if (e != self) needed[e] = std::max(needed[e], latest[e]);
    }
  };

  for (const Access& access : accesses) {
    const std::int64_t size = piece_size(access.space);
    for (std::int64_t piece = access.begin / size; piece <= (access.end - 1) / size; ++piece) {
      Latest& latest = pieces_[key_of(access.space, piece)];
      need(latest.write);
      if (access.write) need(latest.read);
    }
    if (access.space == Space::kScratchpad || access.space == Space::kAccumulator) {
      const std::int64_t lines = bank_lines_[static_cast<std::size_t>(access.space)];
      for (std::int64_t bank = access.begin / lines; bank <= (access.end - 1) / lines; ++bank) {
        Latest& latest = banks_[key_of(access.space, bank)];
        need(access.write ? latest.write : latest.read);
      }
    }
  }
  for (const Access& access : accesses) {
    const std::int64_t size = piece_size(access.space);
    const auto mark = [&](Latest& latest) {
      (access.write ? latest.write : latest.read)[self] = index;
    };
    for (std::int64_t piece = access.begin / size; piece <= (access.end - 1) / size; ++piece) {
      mark(pieces_[key_of(access.space, piece)]);
    }
    if (access.space == Space::kScratchpad || access.space == Space::kAccumulator) {
      const std::int64_t lines = bank_lines_[static_cast<std::size_t>(access.space)];
      for (std::int64_t bank = access.begin / lines; bank <= (access.end - 1) / lines; ++bank) {
        mark(banks_[key_of(access.space, bank)]);
      }
    }
  }

  engines_.push_back(engine);
  tokens_.push_back({});
  for (std::size_t from = 0; from < kEngines; ++from) {
    if (needed[from] <= waited_[from][self]) continue;
    // Waits of one pair name ever later commands, and each of those signals this pair once: the
    // tokens match in order.
    waited_[from][self] = needed[from];
    const std::uint32_t token = 1u << (4 * from + self);
    tokens_.back().wait |= token;
    tokens_.back().waits_for[from] = needed[from];
    tokens_[static_cast<std::size_t>(needed[from])].signal |= token;
  }
  return static_cast<std::size_t>(index);
}

}  // namespace corank
