// The two statements of the timing rules agree, and the checker sees when they do not.
#include "sim/dram/timing_checker.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "sim/dram/channel.h"
#include "tests/sim/dram/run_trace.h"

using namespace corank;
using namespace corank::test;

namespace {

// Reads and writes in bursts, some to rows that were used just before.
std::vector<DramAccess> mixed(const DramOrganisation& o, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int limit) {
    return static_cast<int>(random() % static_cast<std::uint64_t>(limit));
  };
  std::vector<DramAccess> accesses;
  DramClock clock = 0;
  bool write = false;
  int bank = 0, row = 0;
  int run = 0;
  while (accesses.size() < count) {
    if (run-- <= 0) {
      run = below(20);
      write = below(3) == 0;
      bank = below(o.all_banks());
      row = below(4);
      if (below(40) == 0) clock += below(500);
    }
    if (below(4) == 0) bank = below(o.all_banks());
    clock += below(5);
    accesses.push_back({clock, write, bank, row, below(o.columns()), 0});
  }
  return accesses;
}

struct Checked {
  std::int64_t violations, accesses;
  std::string first;
};

// A channel that believes in `assumed`, checked against `real`.
Checked check(const DramDevice& assumed, const DramDevice& real, PagePolicy policy,
              std::size_t count, std::uint64_t seed) {
  DramTimingChecker checker(real);
  DramControllerConfig controller;
  controller.page_policy = policy;
  DramChannel channel(assumed, controller, [&](const DramCommand& c) { checker.check(c); });
  for (const DramAccess& access : mixed(real.organisation, count, seed)) channel.push(access);
  channel.run(DramChannel::kNever);
  const DramStatistics s = channel.statistics(0);
  return {checker.violations(), s.reads + s.writes + s.forwarded_reads, checker.first()};
}

}  // namespace

TEST_CASE("no timing rule is broken in a million accesses to each device") {
  const std::string name = GENERATE("ddr4-2400", "ddr4-3200", "lpddr4-3200", "lpddr5-6400", "hbm2");
  const std::uint64_t seed = 77;
  INFO(name << ", seed " << seed);
  const DramDevice dram = device(name);
  std::int64_t accesses = 0;
  for (const PagePolicy policy : {PagePolicy::kOpen, PagePolicy::kClosed}) {
    const Checked result = check(dram, dram, policy, 500'000, seed);
    INFO(name_of(policy) << ": " << result.first);
    CHECK(result.violations == 0);
    accesses += result.accesses;
  }
  CHECK(accesses == 1'000'000);
}

TEST_CASE("the checker sees each timing parameter that a controller takes a clock too short") {
  struct Parameter {
    const char* name;
    int DramTiming::*field;
    PagePolicy policy;
    const char* device = "ddr4-2400";
  };
  const Parameter parameter =
      GENERATE(Parameter{"tRCD_RD", &DramTiming::tRCD_RD, PagePolicy::kOpen},
               Parameter{"tRCD_WR", &DramTiming::tRCD_WR, PagePolicy::kOpen},
               Parameter{"tRP", &DramTiming::tRP, PagePolicy::kOpen},
               Parameter{"tRP_AB", &DramTiming::tRP_AB, PagePolicy::kOpen, "lpddr4-3200"},
               Parameter{"tRAS", &DramTiming::tRAS, PagePolicy::kOpen},
               Parameter{"tRRD_S", &DramTiming::tRRD_S, PagePolicy::kOpen},
               Parameter{"tRRD_L", &DramTiming::tRRD_L, PagePolicy::kOpen},
               Parameter{"tFAW", &DramTiming::tFAW, PagePolicy::kClosed},
               Parameter{"tCCD_S", &DramTiming::tCCD_S, PagePolicy::kOpen},
               Parameter{"tCCD_L", &DramTiming::tCCD_L, PagePolicy::kOpen},
               Parameter{"tRTP", &DramTiming::tRTP, PagePolicy::kOpen},
               Parameter{"tWR", &DramTiming::tWR, PagePolicy::kOpen},
               Parameter{"tWTR_S", &DramTiming::tWTR_S, PagePolicy::kOpen},
               Parameter{"tWTR_L", &DramTiming::tWTR_L, PagePolicy::kOpen},
               Parameter{"tRTW", &DramTiming::tRTW, PagePolicy::kOpen},
               Parameter{"tRFC", &DramTiming::tRFC, PagePolicy::kOpen});
  INFO(parameter.name);
  const DramDevice real = device(parameter.device);
  DramDevice assumed = real;
  assumed.timing.*parameter.field -= 1;
  const Checked result = check(assumed, real, parameter.policy, 50'000, 3);
  INFO(result.first);
  CHECK(result.violations > 0);
}

TEST_CASE("the checker sees a refresh that is late, and one with an open row") {
  const DramDevice dram = device("ddr4-2400");
  DramDevice late = dram;
  late.timing.tREFI = 3 * dram.timing.tREFI;
  CHECK(check(late, dram, PagePolicy::kOpen, 50'000, 3).violations > 0);
  DramTimingChecker checker(dram);
  checker.check({0, DramCommandKind::kActivate, false, 0, 1});
  checker.check({100, DramCommandKind::kRefresh, false, 0, 0});
  CHECK(checker.violations() == 1);
  CHECK(checker.first() == "clock 100: REF bank 0 row 0: a bank is open");
}

TEST_CASE("the checker sees a read of a row that is not open, and tRC by itself") {
  const DramDevice dram = device("ddr4-2400");
  DramTimingChecker checker(dram);
  checker.check({0, DramCommandKind::kActivate, false, 2, 1});
  checker.check({17, DramCommandKind::kRead, false, 2, 1});
  CHECK(checker.violations() == 0);
  checker.check({30, DramCommandKind::kRead, false, 2, 9});
  CHECK(checker.violations() == 1);
  DramDevice slow = dram;
  slow.timing.tRC = 60;  // longer than tRAS + tRP
  DramTimingChecker second(slow);
  second.check({0, DramCommandKind::kActivate, false, 2, 1});
  second.check({39, DramCommandKind::kPrecharge, false, 2, 0});
  second.check({56, DramCommandKind::kActivate, false, 2, 1});
  CHECK(second.first() == "clock 56: ACT bank 2 row 1: tRC");
}
