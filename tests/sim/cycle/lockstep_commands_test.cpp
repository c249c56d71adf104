// Random commands on both accelerators: every event, transaction, register and counter is equal,
// also in the middle of the work and after a fault.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/end_to_end/test_machines.h"
#include "tests/sim/cycle/random_commands.h"

namespace corank::test {

namespace {

void run_cases(const char* count_name, int otherwise, bool mistakes) {
  const auto number_or = [](const char* name, int value) {
    const char* given = std::getenv(name);
    return given == nullptr ? value : std::atoi(given);
  };
  const int first = number_or("CORANK_FIRST", 0);
  const int count = number_or(count_name, otherwise);
  for (int number = first; number < first + count; ++number) {
    RandomCommands random = random_commands(static_cast<std::uint64_t>(number), mistakes);
    INFO(random.description);
    random.platform.machine_library = library_of(random.platform.shape);
    const auto program = [&](HostPort& host, Outcome& outcome) {
      run_random_commands(random, host, outcome);
    };
    CHECK(first_difference(run_on(Fidelity::kRtl, random.platform, program),
                           run_on(Fidelity::kCycle, random.platform, program), false) == "");
  }
}

}  // namespace

TEST_CASE("random commands are equal on both at every look") {
  run_cases("CORANK_COMMAND_CASES", 200, false);
}

TEST_CASE("the 256th token of a kind is a fault, in the same cycle on both") {
  for (const int loads : {255, 256}) {
    INFO(loads << " loads");
    RandomCommands commands = random_commands(4, false);  // 16 x 8
    interface::LoadCommand load;
    load.rows = load.columns = 1;
    load.signal_tokens = 1u << 3;  // to the store unit, which takes none
    commands.commands.assign(static_cast<std::size_t>(loads), encode(load));
    commands.commands.push_back(encode(interface::HaltCommand{}));
    commands.ring_entries = 512;
    commands.platform.machine_library = library_of(commands.platform.shape);
    const auto program = [&](HostPort& host, Outcome& outcome) {
      run_random_commands(commands, host, outcome);
    };
    const Outcome rtl = run_on(Fidelity::kRtl, commands.platform, program);
    const Outcome cycle = run_on(Fidelity::kCycle, commands.platform, program);
    CHECK(first_difference(rtl, cycle, false) == "");
    const bool faulted = std::any_of(cycle.words.begin(), cycle.words.end(), [](const Word& word) {
      return word.name == "register 0x030" &&
             (word.value & 0xffu) == static_cast<std::uint64_t>(interface::Fault::kTokenOverflow);
    });
    CHECK(faulted == (loads == 256));
  }
}

TEST_CASE("faults are equal on both") { run_cases("CORANK_FAULT_CASES", 200, true); }

}  // namespace corank::test
