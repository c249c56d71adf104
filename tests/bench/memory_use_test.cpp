#include "tests/bench/memory_use.h"

#include <catch2/catch.hpp>
#include <string>

using namespace corank;
using namespace corank::bench;

namespace {

const std::string kConfigs = CORANK_CONFIGS;

Config config_of(const std::string& memory, std::vector<std::string> settings = {}) {
  settings.insert(settings.begin(),
                  {"memory=" + kConfigs + "/memory/" + memory + ".yaml",
                   "accelerator=" + kConfigs + "/accelerator/16x16-axi512.yaml",
                   "workload.shapes={tokens: 512, layers: [{in: 1024, out: 1024, rank: 16}]}"});
  return load_config(kConfigs + "/bench/memory-use.yaml", settings);
}

}  // namespace

TEST_CASE("a sequential stream gets what trusted simulators give it", "[memory-use]") {
  // DRAMsim3, Ramulator 2.1 and DRAMSys 5.1: 95.0 to 95.2 % of 19.21 GB/s with the bank groups in
  // turn, 91.4 to 91.8 % of 6.4 GB/s; the bar of the DRAM model for streams is 1.5 %.
  CHECK(stream_gb_per_s(config_of("ddr4-2400"), 8 << 20) == Approx(0.951 * 19.21).epsilon(0.015));
  CHECK(stream_gb_per_s(config_of("lpddr4-3200", {"memory.channels=1"}), 8 << 20) ==
        Approx(0.916 * 6.4).epsilon(0.015));
}

TEST_CASE("a step that the array bounds takes its time on every memory", "[memory-use]") {
  for (const std::string memory : {"lpddr5-6400", "ddr4-2400", "lpddr4-3200", "hbm2"}) {
    const MemoryUse use = memory_use(config_of(memory));
    INFO(memory << ": " << use.cycles << " cycles, at least " << use.bound.cycles());
    CHECK(use.bound.array_cycles > use.bound.memory_cycles);
    CHECK(use.share() >= 0.95);
  }
}

TEST_CASE("no step is faster or moves fewer bytes than its bound says", "[memory-use]") {
  for (const int tokens : {64, 200}) {
    for (const char* kib : {"64", "128", "256"}) {
      const MemoryUse use = memory_use(config_of(
          "lpddr4-3200", {"memory.channels=1", std::string("accelerator.scratchpad.kib=") + kib,
                          std::string("accelerator.accumulator.kib=") + kib,
                          "workload.shapes.tokens=" + std::to_string(tokens)}));
      INFO(tokens << " tokens, " << kib << " KiB: " << use.bytes << " bytes, at least "
                  << use.bound.bytes);
      CHECK(use.bytes >= use.bound.bytes);
      CHECK(use.share() <= 1);
    }
  }
}
