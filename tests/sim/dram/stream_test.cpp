// Streams are gone through without a search (sim/dram/channel.cpp). That is to change nothing: a
// channel that searches for every command gives the same commands, answers and statistics.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/dram/channel.h"
#include "tests/sim/dram/run_trace.h"

using namespace corank;
using namespace corank::test;

namespace {

using Command = std::tuple<DramClock, DramCommandKind, bool, int, int>;

// A channel, and all that it has done.
struct Recorded {
  std::vector<Command> commands;
  DramChannel channel;
  std::map<std::uint64_t, std::pair<DramClock, std::int64_t>> answers;  // the last, and how many

  Recorded(const DramDevice& device, const DramControllerConfig& controller)
      : channel(device, controller, [this](const DramCommand& c) {
          commands.emplace_back(c.clock, c.kind, c.auto_precharge, c.bank, c.row);
        }) {}
  void run(DramClock end) {
    channel.run(end);
    for (const DramAnswer& answer : channel.answers()) {
      auto& [clock, accesses] = answers[answer.tag];
      clock = std::max(clock, answer.clock);
      accesses += answer.accesses;
    }
    channel.answers().clear();
  }
  std::vector<std::int64_t> counts() const {
    const DramStatistics statistics = channel.statistics(0);
    std::vector<std::int64_t> all = {statistics.longest_read};
    for (const auto sum : kDramSums) all.push_back(statistics.*sum);
    return all;
  }
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int below(int limit) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit)); }
  bool one_in(int number) { return below(number) == 0; }

 private:
  std::mt19937_64 engine_;
};

DramControllerConfig draw_controller(Random& random) {
  DramControllerConfig controller;
  if (random.one_in(2)) controller.page_policy = PagePolicy::kClosed;
  if (random.one_in(2)) {
    controller.read_queue = 1 + random.below(40);
    controller.write_queue = 2 + random.below(40);
    controller.reads_in_flight = 1 + random.below(50);
    controller.drain_high = 1 + random.below(controller.write_queue - 1);
    controller.drain_low = random.below(controller.drain_high);
  }
  const int limits[] = {1, 2, 10, 30, 256, 256, 256};
  controller.starvation_limit = limits[random.below(7)];
  return controller;
}

// A burst goes round the bank groups of one row or stays in a bank; now and then an access is to
// another row or bank. Traffic is of reads, of writes, of bursts of both, or mixed access by
// access.
class Traffic {
 public:
  Traffic(const DramOrganisation& organisation, Random& random)
      : organisation_(organisation), random_(random) {}

  DramClock clock() const { return clock_; }
  std::vector<DramAccess> burst() {
    if (random_.one_in(30)) kind_ = random_.below(4);
    if (random_.one_in(4)) row_ = random_.below(4);
    if (random_.one_in(3)) bank_ = random_.below(organisation_.all_banks());
    ++tag_;
    const bool rotates = !random_.one_in(4),
               writes = kind_ == 1 || (kind_ == 2 && random_.one_in(2));
    const int column = random_.below(organisation_.columns());
    std::vector<DramAccess> accesses;
    for (int i = 1 + random_.below(kind_ == 3 ? 3 : 40); i > 0; --i) {
      const int groups = organisation_.bank_groups, banks = organisation_.banks;
      const int bank = random_.one_in(40) ? random_.below(organisation_.all_banks())
                       : rotates          ? bank_ % banks + i % groups * banks
                                          : bank_;
      accesses.push_back({clock_, kind_ == 3 ? random_.one_in(3) : writes, bank,
                          random_.one_in(50) ? random_.below(4) : row_,
                          (column + (rotates ? i / groups : i)) % organisation_.columns(), tag_});
      if (random_.one_in(3)) clock_ += random_.below(4);
    }
    return accesses;
  }
  void pause() {
    if (random_.one_in(3)) clock_ += random_.below(random_.one_in(4) ? 3000 : 60);
  }

 private:
  const DramOrganisation& organisation_;
  Random& random_;
  DramClock clock_ = 0;
  std::uint64_t tag_ = 0;
  int kind_ = 0, row_ = 0, bank_ = 0;
};

// Accesses that go round the banks at one clock in one call.
void push_at_once(DramChannel& channel, const std::vector<DramAccess>& accesses, int step) {
  for (std::size_t at = 0; at < accesses.size();) {
    const DramAccess& first = accesses[at];
    int count = 1;
    for (++at; at < accesses.size(); ++at, ++count) {
      const DramAccess& next = accesses[at];
      if (next.arrival != first.arrival || next.write != first.write || next.row != first.row ||
          next.column != first.column || next.bank != first.bank + count * step)
        break;
    }
    channel.push(first, count, step);
  }
}

}  // namespace

TEST_CASE("what is done without a search is what a search would find") {
  const char* const devices[] = {"ddr4-2400", "ddr4-3200", "lpddr4-3200", "lpddr5-6400", "hbm2"};
  std::int64_t streamed = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const DramDevice dram = device(devices[seed % 5]);
    const DramControllerConfig controller = draw_controller(random);
    Recorded usual(dram, controller), searching(dram, controller);
    searching.channel.always_search();
    Traffic traffic(dram.organisation, random);
    DramClock known = 0;
    for (int burst = 0; burst < 200; ++burst) {
      traffic.pause();
      // What comes before the next arrival may be decided, in steps of any size.
      while (known < traffic.clock() && !random.one_in(3)) {
        known = std::min(traffic.clock(), known + 1 + random.below(40));
        usual.run(known);
        searching.run(known);
      }
      const std::vector<DramAccess> accesses = traffic.burst();
      for (const DramAccess& access : accesses) searching.channel.push(access);
      push_at_once(usual.channel, accesses, dram.organisation.banks);
    }
    usual.run(DramChannel::kNever);
    searching.run(DramChannel::kNever);
    CHECK(usual.commands == searching.commands);
    CHECK(usual.answers == searching.answers);
    CHECK(usual.counts() == searching.counts());
    CHECK(searching.channel.streamed() == 0);
    streamed += usual.channel.streamed();
  }
  CHECK(streamed > 10'000);
}

TEST_CASE("a stream needs hardly a search") {
  const bool write = GENERATE(false, true);
  INFO((write ? "writes" : "reads"));
  const DramDevice dram = device("lpddr5-6400");
  const int groups = dram.organisation.bank_groups, banks = dram.organisation.banks;
  DramChannel channel(dram, {});
  // A row of a bank of each group, again and again.
  for (int i = 0; i < 10'000; ++i)
    channel.push({i, write, i % groups * banks, 0, i / groups % dram.organisation.columns(), 0});
  channel.run(DramChannel::kNever);
  const DramStatistics statistics = channel.statistics(0);
  CHECK(statistics.reads + statistics.writes == 10'000);
  CHECK(statistics.refreshes > 5);
  CHECK(channel.streamed() > 9'500);
}
