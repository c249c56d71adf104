// Packed weights of any format and shape, from memory to the scratchpad and back to memory, on both
// accelerators: every element is what the interface says, and every cycle is equal.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "models/base/numerics.h"
#include "tests/end_to_end/test_machines.h"
#include "tests/host/compiler/quantized_load.h"
#include "tests/sim/cycle/lockstep.h"

namespace corank::test {
namespace {

using namespace interface;

constexpr std::uint64_t kRing = 0x1000, kMap = 0x8000, kNested = 0x9000, kPacked = 0x10000,
                        kElements = 0x100000;
constexpr std::uint32_t kLoads = 10;

struct PackedLoads {
  std::string description;
  std::vector<std::uint8_t> memory;
  std::vector<LoadQuantizedCommand> loads;
  std::vector<StoreCommand> stores;  // of what each load left in the scratchpad
  std::vector<CommandWords> commands;
};

class Maker {
 public:
  Maker(const MachineShape& shape, std::uint64_t seed)
      : random_(seed),
        lanes_(static_cast<std::uint32_t>(memory_lanes(shape))),
        lines_(static_cast<std::uint32_t>(scratchpad_lines(shape))) {
    made_.description = fmt::format("seed {}", seed);
    made_.memory.resize(kElements);
    for (std::uint8_t& byte : made_.memory) byte = static_cast<std::uint8_t>(random_());
    add_tables();
    std::uint64_t to = kElements;
    for (std::uint32_t n = 0; n < kLoads; ++n) {
      const LoadQuantizedCommand load = random_load(n);
      StoreCommand store;
      store.wait_tokens = 1u << 3;  // from load to store
      store.signal_tokens = 1u << 12;
      store.address_lo = static_cast<std::uint32_t>(to);
      store.rows = load.rows;
      store.columns = load.columns;
      store.panel_stride = load.rows * 128;
      store.line = load.line;
      store.line_stride = load.line_stride;
      to += std::uint64_t{(load.columns + 63) / 64} * store.panel_stride;
      made_.loads.push_back(load);
      made_.stores.push_back(store);
      made_.commands.push_back(encode(load));
      made_.commands.push_back(encode(store));
    }
    made_.commands.push_back(encode(HaltCommand{}));
    std::memcpy(made_.memory.data() + kRing, made_.commands.data(),
                made_.commands.size() * sizeof(CommandWords));
  }

  PackedLoads take() { return std::move(made_); }

 private:
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(random_() % (high - low + 1));
  }

  void add_tables() {
    LoadScalesCommand load;
    load.to_map = 1;
    load.address_lo = kMap;
    load.rows = kDecoderMapWords / 32;
    made_.commands.push_back(encode(load));
    load.to_map = 0;
    load.address_lo = kNested;
    load.rows = kDecoderNestedWords / 32;
    made_.commands.push_back(encode(load));
  }

  LoadQuantizedCommand random_load(std::uint32_t n) {
    LoadQuantizedCommand load;
    load.element = between(0, 3);
    load.scale = between(0, 3);
    load.arithmetic = between(0, 2);
    load.two_scales = between(0, 1);
    const bool nested = load.scale == kNumberNested;
    if (!nested) load.zeros = between(0, 1);
    if (!nested && load.scale != kNumberFp32 && load.zeros == 0) load.minimums = between(0, 1);
    load.block_bits = nested ? 6 : between(5, 8);
    load.zero = between(0, 255);
    load.position = between(0, 1u << 30);
    load.row_elements = between(0, 300);
    if (load.block_bits == 5 && load.two_scales != 0) load.position &= ~31u;
    load.offset = 0x3c000000u + between(0, 1u << 24);
    load.columns = between(1, 200);
    load.rows = between(1, 150);
    const std::uint32_t panels = (load.columns + lanes_ - 1) / lanes_;
    load.line_stride = load.rows + between(0, 3);
    load.line = between(0, lines_ - panels * load.line_stride);
    load.panel_stride = 64 * (2 * load.rows + 1 + between(0, 3));
    load.address_lo = kPacked + 64 * between(0, 1000);
    if (n != 0) load.wait_tokens = 1u << 12;  // what came before has been stored
    load.signal_tokens = 1u << 3;
    return load;
  }

  std::mt19937_64 random_;
  std::uint32_t lanes_, lines_;
  PackedLoads made_;
};

// Elements of a store's block that are not what the load says.
std::size_t wrong_elements(const StoreCommand& store, const std::vector<std::uint16_t>& expected,
                           const std::vector<std::uint8_t>& stored) {
  std::size_t wrong = 0;
  for (std::uint32_t row = 0; row < store.rows; ++row) {
    for (std::uint32_t column = 0; column < store.columns; ++column) {
      std::uint16_t element = 0;
      const std::uint64_t at = store.address_lo - kElements +
                               std::uint64_t{column / 64} * store.panel_stride + row * 128 +
                               column % 64 * 2;
      std::memcpy(&element, stored.data() + at, sizeof element);
      wrong += element != expected[std::size_t{row} * store.columns + column];
    }
  }
  return wrong;
}

// And one whose lines take several beats of codes: lines of 32 elements, beats of 8 bytes.
std::vector<MachineShape> machines() {
  std::vector<MachineShape> all = test_machines();
  MachineShape wide_lines;
  wide_lines.array_rows = 17;
  wide_lines.array_columns = wide_lines.vector_lanes = 1;
  wide_lines.axi_data_bits = 64;
  all.push_back(wide_lines);
  return all;
}

}  // namespace

TEST_CASE("packed weights of any format reach the scratchpad element by element, on both") {
  const FloatEnvironment environment;
  std::size_t elements = 0;
  for (const MachineShape& shape : machines()) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      const PackedLoads made = Maker(shape, seed * 100 + elements % 97).take();
      PlatformConfig platform;
      platform.shape = shape;
      platform.machine_library = library_of(shape);
      platform.memory.latency_ns = static_cast<double>(seed * 20);
      if (seed % 3 == 0) platform.stalls = {30, seed};
      DecoderTables tables;
      for (const CommandWords& words : {made.commands[0], made.commands[1]})
        tables.load(decode_load_scales(words), made.memory);
      const std::uint64_t end =
          made.stores.back().address_lo +
          std::uint64_t{(made.stores.back().columns + 63) / 64} * made.stores.back().panel_stride;
      std::vector<std::uint8_t> stored;
      const auto program = [&](HostPort& host, Outcome& outcome) {
        host.write_memory(0, made.memory);
        host.write_register(kRegRingBaseLo, kRing);
        host.write_register(kRegRingEntries, 64);
        host.write_register(kRegMemoryLimitLo, 1u << 24);
        host.write_register(kRegInterruptEnable, 3);
        host.write_register(kRegControl, 1u << kControlEnableLsb);
        host.write_register(kRegRingTail, static_cast<std::uint32_t>(made.commands.size()));
        host.wait_interrupt(4000000);
        read_register(host, kRegFault, outcome.words);
        stored = host.read_memory(kElements, end - kElements);
      };
      INFO(shape.array_rows << " x " << shape.array_columns << ", AXI " << shape.axi_data_bits
                            << ", " << made.description);
      const Outcome rtl = run_on(Fidelity::kRtl, platform, program);
      REQUIRE(rtl.words.front().value == 0);
      const std::vector<std::uint8_t> stored_by_rtl = stored;
      const Outcome cycle = run_on(Fidelity::kCycle, platform, program);
      CHECK(first_difference(rtl, cycle) == "");
      CHECK((stored == stored_by_rtl));
      for (std::size_t n = 0; n < made.loads.size(); ++n) {
        const auto expected = quantized_load(made.loads[n], made.memory, tables);
        INFO("load " << n << ": " << made.loads[n].rows << " x " << made.loads[n].columns
                     << ", element " << made.loads[n].element << ", scale " << made.loads[n].scale);
        CHECK(wrong_elements(made.stores[n], expected, stored_by_rtl) == 0);
        elements += expected.size();
      }
    }
  }
  CHECK(elements >= 1'000'000);
}

}  // namespace corank::test
