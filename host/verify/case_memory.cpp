#include "host/verify/case_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "host/config/config.h"
#include "models/base/error.h"
#include "sim/system/installation.h"

namespace corank {
namespace {

using draw::chance;
using draw::int_between;
using draw::one_of;
using draw::Random;

void shuffle(Random& random, std::vector<std::string>& words) {
  for (std::size_t i = words.size(); i > 1; --i) std::swap(words[i - 1], words[random() % i]);
}

// Any order of the fields, now and then with the column in two parts.
std::string draw_address_map(Random& random, const DramOrganisation& organisation) {
  std::vector<std::string> words = {"row", "bank", "group", "column", "channel"};
  int column_bits = 0;
  while (1 << column_bits < organisation.columns()) ++column_bits;
  if (column_bits > 1 && chance(random, 2))
    words.push_back(fmt::format("column:{}", int_between(random, 1, column_bits - 1)));
  shuffle(random, words);
  return fmt::format("{}", fmt::join(words, " "));
}

DramControllerConfig draw_controller(Random& random) {
  DramControllerConfig controller;
  controller.page_policy = chance(random, 2) ? PagePolicy::kOpen : PagePolicy::kClosed;
  controller.read_queue = int_between(random, 1, chance(random, 2) ? 4 : 64);
  controller.write_queue = int_between(random, 2, chance(random, 2) ? 5 : 64);
  controller.reads_in_flight = int_between(random, 1, chance(random, 2) ? 4 : 64);
  controller.drain_high = int_between(random, 1, controller.write_queue - 1);
  controller.drain_low = int_between(random, 0, controller.drain_high - 1);
  controller.starvation_limit = int_between(random, 1, chance(random, 2) ? 8 : 512);
  return controller;
}

}  // namespace

std::vector<MemoryConfig> dram_memories() {
  namespace fs = std::filesystem;
  const fs::path folder = built_or_installed(CORANK_MEMORY_DIR, "configs/memory");
  std::error_code error;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<MemoryConfig> memories;
  for (const fs::path& file : files) {
    MemoryConfig memory = load_memory(file.string());
    if (memory.kind == MemoryKind::kDram) memories.push_back(std::move(memory));
  }
  if (memories.empty())
    throw InputError(folder.string() + ": expected files of memories of kind dram, found none");
  return memories;
}

MemoryConfig draw_fixed_latency(Random& random) {
  MemoryConfig memory;
  memory.size_mib = 64;
  memory.latency_ns = static_cast<double>(draw::between(random, 0, 300));
  memory.bandwidth_gb_per_s = static_cast<double>(draw::between(random, 1, 64));
  return memory;
}

MemoryConfig draw_dram(Random& random, const std::vector<MemoryConfig>& drams) {
  MemoryConfig memory = one_of(random, drams);
  DramConfig& dram = memory.dram;
  if (!chance(random, 3)) {
    dram.channels = one_of(random, std::array<int, 6>{1, 2, 3, 4, 7, 8});
    dram.address_map = draw_address_map(random, dram.device.organisation);
  }
  if (!chance(random, 3)) dram.controller = draw_controller(random);
  fill_in_dram(memory);
  return memory;
}

std::string describe(const MemoryConfig& memory) {
  if (memory.kind != MemoryKind::kDram)
    return fmt::format("fixed latency {} ns, {} GB/s", memory.latency_ns,
                       memory.bandwidth_gb_per_s);
  const DramConfig& dram = memory.dram;
  const DramControllerConfig& c = dram.controller;
  return fmt::format(
      "{}, {} channels, {}, {}, queues {} / {}, {} in flight, drained {} to {}, limit {}",
      dram.device.name, dram.channels, dram.address_map, name_of(c.page_policy), c.read_queue,
      c.write_queue, c.reads_in_flight, c.drain_high, c.drain_low, c.starvation_limit);
}

}  // namespace corank
