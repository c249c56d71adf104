// What the benches of the load and the store unit share: commands in, completions and faults out,
// and the memory behind the bus.
#pragma once

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "tests/rtl/command/clocked.h"
#include "tests/rtl/dma/block.h"

namespace corank::test {

/// Ports are scalars up to 64 bits and arrays of words beyond; both begin with their lowest byte.
template <class Port>
void get_bytes(const Port& port, void* bytes, std::size_t size) {
  REQUIRE(size <= sizeof(port));
  std::memcpy(bytes, &port, size);
}
template <class Port>
void put_bytes(Port& port, const void* bytes, std::size_t size) {
  REQUIRE(size <= sizeof(port));
  std::memcpy(&port, bytes, size);
}

/// Chances of a hundred that a side waits in a cycle, and cycles from a request to its answer.
struct Stalls {
  unsigned command = 0, address = 0, data = 0, response = 0;
  unsigned latency = 2;
};

/// Memory from `base` on, filled with random bytes.
struct MemoryBytes {
  MemoryBytes(std::uint64_t first, std::size_t size, std::mt19937_64& random)
      : base(first), bytes(size) {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  }
  std::uint8_t* at(std::uint64_t address, std::size_t size) {
    REQUIRE(address >= base);
    REQUIRE(address + size <= end());
    return &bytes[address - base];
  }
  std::uint32_t element(std::uint64_t address, unsigned size) {
    std::uint32_t value = 0;
    std::memcpy(&value, at(address, size), size);
    return value;
  }
  std::uint64_t end() const { return base + bytes.size(); }
  std::size_t differences(const MemoryBytes& other) const {
    std::size_t count = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n) count += bytes[n] != other.bytes[n];
    return count;
  }

  std::uint64_t base;
  std::vector<std::uint8_t> bytes;
};

struct Completion {
  std::uint32_t index, signal_tokens;
  std::uint64_t cycle;
};
struct Fault {
  std::uint32_t cause;
  std::uint64_t address, cycle;
};

/// A unit and its commands. A cycle is: drive_unit(), the derived bench's own inputs, settle,
/// observe_unit(), its own outputs, tick.
template <class Module>
struct UnitBench {
  UnitBench(unsigned bus_bits, unsigned lanes_of_line, unsigned seed)
      : beat_bytes(bus_bits / 8), lanes(lanes_of_line), random(seed) {
    unit->command_valid_i = 0;
    unit->stop_i = 0;
    unit->memory_limit_i = 0xffff'ffff'ffff;
    unit->outstanding_limit_i = 16;
    unit->burst_beats_i = 16;
  }

  bool chance(unsigned percent) { return random() % 100 < percent; }

  void drive_unit(interface::CommandWords (*encode)(const Block&)) {
    offered = offered || (!commands.empty() && !waits(commands.front()) && !chance(stalls.command));
    unit->command_valid_i = offered;
    if (offered) {
      const auto words = encode(commands.front());
      for (unsigned n = 0; n < words.size(); ++n) unit->command_i[n] = words[n];
      unit->command_i[words.size()] = commands.front().index;
    }
  }

  /// A token keeps apart what writes indices and what reads them.
  bool waits(const Block& next) const {
    return std::any_of(held.begin(), held.end(), [&](const Block& earlier) {
      return next.indexed() ? earlier.target == kIndices
                            : next.target == kIndices && earlier.indexed();
    });
  }

  /// Returns the command that is taken in this cycle.
  std::optional<Block> observe_unit() {
    const std::uint64_t completion = unit->completion_o;  // valid, index [32], tokens [16]
    if ((completion >> 48 & 1u) != 0) {
      completions.push_back({static_cast<std::uint32_t>(completion >> 16),
                             static_cast<std::uint32_t>(completion & 0xffffu), cycle});
      REQUIRE(!held.empty());
      REQUIRE(unit->current_index_o == held.front().index);
    } else if (!held.empty() && !unit->stop_i && faults.empty()) {
      REQUIRE(unit->current_index_o == held.front().index);
    }
    const std::uint64_t fault = unit->fault_o;
    if (fault_valid(fault)) faults.push_back({fault_cause(fault), fault_address(fault), cycle});
    // Every cycle is one activity, and Idle means no command.
    if (!unit->stop_i && faults.empty()) {
      REQUIRE((unit->activity_o == static_cast<unsigned>(interface::Activity::kIdle)) ==
              held.empty());
      REQUIRE((unit->idle_o != 0) == held.empty());
    }
    REQUIRE(unit->activity_o != static_cast<unsigned>(interface::Activity::kWaitToken));
    ++activities.at(unit->activity_o);

    std::optional<Block> taken;
    if (unit->command_valid_i && unit->command_ready_o) {
      taken = commands.front();
      commands.pop_front();
      offered = false;
      takes.push_back(cycle);
    }
    if (!completions.empty() && completions.back().cycle == cycle) held.pop_front();
    if (taken) held.push_back(*taken);
    return taken;
  }

  /// The part of AXI's rules that both address channels share; the bursts in the order of their
  /// appearance.
  void observe_address(bool valid, bool ready, std::uint64_t packed, std::uint32_t id) {
    if (valid && !address_waits) {
      const Burst burst{axi_address(packed), axi_len(packed) + 1};
      REQUIRE(axi_id(packed) == id);
      REQUIRE(burst.address / 4096 ==
              (burst.address + std::uint64_t{burst.beats} * beat_bytes - 1) / 4096);
      REQUIRE(burst.address + std::uint64_t{burst.beats} * beat_bytes <= unit->memory_limit_i);
      bursts.push_back(burst);
      burst_cycles.push_back(cycle);
      ++in_flight;
      REQUIRE(in_flight <= unit->outstanding_limit_i);
      most_in_flight = std::max(most_in_flight, in_flight);
    }
    address_waits = valid && !ready;
    events += valid && ready;
    REQUIRE((unit->burst_o != 0) == (valid && ready));
  }

  Clocked<Module> clocked;
  Module* unit = clocked.module.get();
  unsigned beat_bytes, lanes;
  std::mt19937_64 random;
  Stalls stalls;

  std::deque<Block> commands;  // not taken yet
  std::deque<Block> held;      // taken, not complete
  bool offered = false;
  std::vector<std::uint64_t> takes;  // cycles
  std::vector<Completion> completions;
  std::vector<Fault> faults;
  std::array<std::uint64_t, 5> activities{};
  std::vector<Burst> bursts;
  std::vector<std::uint64_t> burst_cycles, beat_cycles;
  bool address_waits = false;
  unsigned in_flight = 0, most_in_flight = 0;
  std::uint64_t events = 0;  // bursts taken
  std::uint64_t cycle = 0;
};

/// Limits and stalls for a random run.
template <class Bench>
void randomize(Bench& bench) {
  auto& random = bench.random;
  const std::array<unsigned, 6> beats{1,   3,   16,
                                      100, 256, 1 + static_cast<unsigned>(random() % 256)};
  bench.unit->burst_beats_i = static_cast<std::uint16_t>(beats[random() % beats.size()]);
  bench.unit->outstanding_limit_i = static_cast<std::uint8_t>(1 + random() % 16);
  const auto percent = [&] {
    const std::array<unsigned, 4> choices{0, 10, 50, 90};
    return choices[random() % choices.size()];
  };
  bench.stalls.command = percent();
  bench.stalls.address = percent();
  bench.stalls.data = percent();
  bench.stalls.response = percent();
  bench.stalls.latency = 1 + static_cast<unsigned>(random() % 40);
}

}  // namespace corank::test
