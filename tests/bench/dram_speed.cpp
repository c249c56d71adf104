#include "tests/bench/dram_speed.h"

#include <algorithm>
#include <random>
#include <string>

#include "sim/dram/address_map.h"
#include "sim/dram/channel.h"
#include "sim/dram/timing_checker.h"
#include "tests/bench/clocks.h"
#include "tests/sim/dram/run_trace.h"

namespace corank::bench {
namespace {

// Millions of accesses a CPU second, the best of a few batches, each from address to answer.
Result speed(const std::string& what, const std::string& trace_name, double limit) {
  const DramDevice dram = test::device("ddr4-2400");
  const std::vector<test::TraceAccess> trace = test::make_trace(trace_name, dram.organisation, 14);
  const DramAddressMap map(test::map_named("bgi"), dram.organisation, 1);
  DramChannel channel(dram, {});
  double best = 0;
  for (int batch = 0; batch < 20; ++batch) {
    const double before = cpu_seconds();
    for (const test::TraceAccess& access : trace) {
      const DramPlace place = map.place(access.address);
      channel.push({0, access.write, place.bank, place.row, place.column, 0});
    }
    channel.run(DramChannel::kNever);
    channel.answers().clear();
    best = std::max(best, static_cast<double>(trace.size()) / (cpu_seconds() - before));
  }
  return {"DRAM model: " + what, best * 1e-6, "M accesses/s",
          Result::Bar::AtLeast,  limit,       "DDR4-2400, 64 bytes, 32 reads in flight"};
}

// As an accelerator's memory port asks for it: bursts of 16 accesses, of reads and of writes, that
// keep the bus busy for half of the time, each looked at several times until it is over.
Result burst_speed(double limit) {
  const DramDevice dram = test::device("lpddr5-6400");
  const DramOrganisation& o = dram.organisation;
  const int bursts = 8192, length = 16, clocks = 2 * length * dram.timing.burst;
  double best = 0;
  for (int batch = 0; batch < 20; ++batch) {
    DramChannel channel(dram, {});
    const double before = cpu_seconds();
    for (int burst = 0; burst < bursts; ++burst) {
      const int column = burst * length / o.bank_groups;
      for (int i = 0; i < length / o.bank_groups; ++i)
        channel.push({burst * clocks, burst % 3 == 0, 0, (column + i) / o.columns(),
                      (column + i) % o.columns(), 0},
                     o.bank_groups, o.banks);
      for (int part = 1; part <= 4; ++part) channel.run(burst * clocks + part * clocks / 4);
      channel.answers().clear();
    }
    best = std::max(best, bursts * length / (cpu_seconds() - before));
  }
  return {"DRAM model: bursts", best * 1e-6, "M accesses/s",
          Result::Bar::AtLeast, limit,       "LPDDR5-6400, 32 bytes, half of the time"};
}

std::int64_t violations(const DramDevice& dram, PagePolicy policy, std::int64_t accesses,
                        std::uint64_t seed) {
  DramTimingChecker checker(dram);
  DramControllerConfig controller;
  controller.page_policy = policy;
  DramChannel channel(dram, controller,
                      [&](const DramCommand& command) { checker.check(command); });
  std::mt19937_64 random(seed);
  const auto below = [&](int limit) {
    return static_cast<int>(random() % static_cast<std::uint64_t>(limit));
  };
  const DramOrganisation& o = dram.organisation;
  DramClock clock = 0;
  for (std::int64_t done = 0; done < accesses; ++done) {
    clock += below(5);
    const bool write = (done / 40) % 3 == 0;
    channel.push({clock, write, below(o.all_banks()), below(3), below(o.columns()), 0});
    if (done % 1000 != 0) continue;
    channel.run(clock);
    channel.answers().clear();
  }
  channel.run(DramChannel::kNever);
  return checker.violations();
}

}  // namespace

std::vector<Result> dram_speed() {
  return {speed("streaming reads", "a_seq_rd", 2), speed("streaming writes", "b_seq_wr", 2),
          speed("random reads", "e_rand_rd", 0.5), burst_speed(4)};
}

std::vector<Result> dram_rules(std::int64_t accesses) {
  std::vector<Result> results;
  for (const char* name : {"ddr4-2400", "ddr4-3200", "lpddr4-3200", "lpddr5-6400", "hbm2"}) {
    const DramDevice dram = test::device(name);
    std::int64_t count = 0;
    for (const PagePolicy policy : {PagePolicy::kOpen, PagePolicy::kClosed})
      count += violations(dram, policy, accesses / 2, 14);
    results.push_back({std::string("timing rules of ") + name, static_cast<double>(count),
                       "violations", Result::Bar::AtMost, 0,
                       std::to_string(accesses) + " accesses, seed 14"});
  }
  return results;
}

}  // namespace corank::bench
