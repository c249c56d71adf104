// Random commands, and a host that looks into the device while it works on them. Not a layer: any
// sizes, places and tokens that keep the units apart, and mistakes on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/platform/platform.h"
#include "tests/sim/cycle/lockstep.h"

namespace corank::test {

struct RandomCommands {
  std::uint64_t seed = 0;
  std::string description;
  PlatformConfig platform;  // but for the machine's library
  std::vector<interface::CommandWords> commands;
  std::vector<std::uint64_t> instructions;
  std::vector<std::uint32_t> indices;
  std::uint32_t outstanding = 16, burst_beats = 64;
  std::uint64_t memory_limit = 0;
  std::uint32_t ring_entries = 64;
};

/// The units use banks of their own, so no two meet. `mistakes`: most cases have one, in a command,
/// in memory or in a response.
RandomCommands random_commands(std::uint64_t seed, bool mistakes);

/// Starts the commands, reads registers at random times meanwhile, clears counters, holds the
/// device, then reads everything; after a fault, or by chance, it resets the device and reads
/// again.
void run_random_commands(const RandomCommands& random, HostPort& host, Outcome& outcome);

}  // namespace corank::test
