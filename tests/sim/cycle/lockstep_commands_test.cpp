// Random commands on both accelerators: every event, transaction, register and counter is equal,
// also in the middle of the work and after a fault.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "sim/machine/build.h"
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
    random.platform.machine_library = machine_library(random.platform.shape);
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

TEST_CASE("faults are equal on both") { run_cases("CORANK_FAULT_CASES", 200, true); }

}  // namespace corank::test
