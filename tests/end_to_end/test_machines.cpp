#include "tests/end_to_end/test_machines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "host/verify/case_memory.h"
#include "sim/machine/build.h"

namespace corank::test {

std::vector<MachineShape> test_machines() {
  const auto machine = [](int rows, int columns, int lanes, int axi, int scratchpad,
                          int accumulator, int queue) {
    MachineShape shape;
    shape.array_rows = rows;
    shape.array_columns = columns;
    shape.vector_lanes = lanes;
    shape.axi_data_bits = axi;
    shape.scratchpad_kib = scratchpad;
    shape.accumulator_kib = accumulator;
    shape.queue_depth = queue;
    return shape;
  };
  MachineShape with_parity = machine(2, 7, 8, 256, 64, 64, 3);
  with_parity.parity = 1;
  return {machine(1, 1, 1, 64, 64, 64, 1),      machine(3, 5, 4, 128, 64, 64, 2),
          machine(4, 4, 4, 64, 64, 64, 4),      machine(8, 8, 8, 128, 64, 64, 4),
          machine(16, 8, 16, 512, 128, 128, 4), with_parity};
}

const std::string& library_of(const MachineShape& shape) {
  static std::map<std::string, std::string> libraries;
  std::string& library = libraries[fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {}", shape.array_rows, shape.array_columns,
      shape.vector_lanes, shape.scratchpad_kib, shape.scratchpad_banks, shape.accumulator_kib,
      shape.accumulator_banks, shape.axi_data_bits, shape.queue_depth, shape.parity, shape.decoder,
      shape.mac)];
  if (library.empty()) library = machine_library(shape);
  return library;
}

std::int64_t setting(const char* name, std::int64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoll(text) : fallback;
}

CaseSource test_cases(std::int64_t most_cycles, Sizes sizes) {
  CaseSource source;
  source.machines = test_machines();
  source.drams = dram_memories();
  source.most_cycles = most_cycles;
  source.sizes = sizes;
  return source;
}

DeviceCount::DeviceCount() {
  for (const MemoryConfig& memory : dram_memories()) counts_[memory.dram.device.name] = 0;
}

void DeviceCount::add(const LayerCase& layer) {
  const MemoryConfig& memory = layer.config.memory;
  if (memory.kind == MemoryKind::kDram) ++counts_[memory.dram.device.name];
}

int DeviceCount::least() const {
  const auto least =
      std::min_element(counts_.begin(), counts_.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return least == counts_.end() ? 0 : least->second;
}

std::string DeviceCount::text() const {
  std::string text;
  for (const auto& [name, count] : counts_) text += fmt::format("{}: {} cases\n", name, count);
  return text;
}

void RemainderPairs::add(const LayerCase& layer) {
  const MachineShape& machine = layer.config.machine;
  const auto pair = [&](const char* what, std::int64_t a, std::int64_t b) {
    seen_.insert(fmt::format("{}x{} {} {} {}", machine.array_rows, machine.array_columns, what,
                             static_cast<int>(remainder_of(a, machine.array_rows)),
                             static_cast<int>(remainder_of(b, machine.array_columns))));
  };
  pair("in, out", layer.layer.in, layer.layer.out);
  pair("tokens, r", layer.layer.tokens, layer.layer.lora.rank);
}

std::size_t RemainderPairs::missing(const std::vector<MachineShape>& machines) const {
  // A divisor has the remainders 1, -1, 0 and others, where it is large enough.
  const auto remainders = [](int divisor) {
    return static_cast<std::size_t>(std::min(divisor, 4));
  };
  std::size_t all = 0;
  for (const MachineShape& machine : machines)
    all += 2 * remainders(machine.array_rows) * remainders(machine.array_columns);
  return all - seen_.size();
}

}  // namespace corank::test
