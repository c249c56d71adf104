#include "host/run/touched_memory.h"

#include <algorithm>
#include <vector>

#include "host/driver/footprint.h"

namespace corank {
namespace {

constexpr std::uint64_t kRowBytes = interface::kPanelRowBytes;

std::int64_t rows_of(std::uint64_t bytes) {
  return static_cast<std::int64_t>((bytes + kRowBytes - 1) / kRowBytes);
}

}  // namespace

std::uint64_t touched_bytes(const CompiledStep& step, const MachineShape& machine) {
  std::vector<bool> touched(static_cast<std::size_t>(rows_of(step.memory_bytes)), false);
  const auto touch = [&](std::int64_t begin, std::int64_t end) {
    std::fill(touched.begin() + begin, touched.begin() + end, true);
  };
  Footprints footprints(step, machine);
  for (const CompiledCommand& command : step.commands)
    for (const Use& use : footprints.next(command.words))
      if (use.storage == Storage::kMemory) touch(use.begin, use.end);
  const std::uint64_t entries = std::min<std::uint64_t>(step.commands.size(), step.ring_entries);
  const auto ring = static_cast<std::int64_t>(step.ring_address / kRowBytes);
  touch(ring, ring + rows_of(entries * sizeof(interface::CommandWords)));
  return kRowBytes * static_cast<std::uint64_t>(std::count(touched.begin(), touched.end(), true));
}

}  // namespace corank
