// What the controller decides, and what it counts.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sim/dram/channel.h"
#include "tests/sim/dram/run_trace.h"

using namespace corank;
using namespace corank::test;

namespace {

std::map<std::uint64_t, DramClock> answers_of(DramChannel& channel) {
  channel.run(DramChannel::kNever);
  std::map<std::uint64_t, DramClock> result;
  for (const DramAnswer& answer : channel.answers()) result[answer.tag] = answer.clock;
  return result;
}

}  // namespace

TEST_CASE("an access to the open row goes before an older one to another row") {
  DramChannel channel(device("ddr4-2400"), {});
  channel.push({0, false, 0, 1, 0, 1});
  channel.push({0, false, 0, 2, 0, 2});
  channel.push({0, false, 0, 1, 1, 3});
  const auto answers = answers_of(channel);
  CHECK(answers.at(1) == 38);      // tRCD + CL + 4
  CHECK(answers.at(3) == 38 + 6);  // tCCD_L
  // The row may be closed tRAS after its activate at 0; then tRP, tRCD, CL, burst.
  CHECK(answers.at(2) == 39 + 17 + 17 + 17 + 4);
}

TEST_CASE("an access is passed by no more than the starvation limit") {
  DramControllerConfig controller;
  controller.starvation_limit = 10;
  DramChannel channel(device("ddr4-2400"), controller);
  channel.push({0, false, 0, 1, 0, 0});
  channel.push({0, false, 0, 2, 0, 1000});
  for (int i = 1; i < 100; ++i) channel.push({0, false, 0, 1, i, static_cast<std::uint64_t>(i)});
  const auto answers = answers_of(channel);
  int earlier = 0;
  for (const auto& [tag, clock] : answers) earlier += clock < answers.at(1000) ? 1 : 0;
  CHECK(answers.size() == 101);
  CHECK(earlier == 10);
}

TEST_CASE("of several that starve the one whose command can go first is served first") {
  DramControllerConfig controller;
  controller.starvation_limit = 1;
  std::vector<DramCommand> log;
  DramChannel channel(device("ddr4-2400"), controller,
                      [&](const DramCommand& command) { log.push_back(command); });
  // Opens row 0 of a bank of each group.
  for (const int bank : {0, 4, 8, 12}) channel.push({0, false, bank, 0, 0, 0});
  channel.run(200);
  log.clear();
  channel.push({200, false, 4, 0, 1, 0});   // at 200; its row can be closed tRTP later
  channel.push({200, false, 0, 0, 1, 0});   // at 204: tCCD_S
  channel.push({200, false, 8, 0, 1, 0});   // at 208
  channel.push({200, false, 12, 0, 1, 0});  // could go at 212, and has been passed
  channel.push({200, false, 4, 1, 0, 0});   // so has this one, whose row can be closed at 209
  channel.push({200, false, 4, 0, 2, 0});
  channel.run(213);
  REQUIRE(log.size() == 5);
  CHECK(log[3].kind == DramCommandKind::kPrecharge);
  CHECK(log[3].bank == 4);
  CHECK(log[3].clock == 209);
  CHECK(log[4].kind == DramCommandKind::kRead);
  CHECK(log[4].bank == 12);
  CHECK(log[4].clock == 212);
}

TEST_CASE("writes are held back until there are more than the high watermark") {
  std::vector<DramCommand> log;
  DramChannel channel(device("ddr4-2400"), {},
                      [&](const DramCommand& command) { log.push_back(command); });
  // Reads of one bank, one row each, keep the channel busy; the writes go to another bank.
  for (int i = 0; i < 16; ++i) channel.push({0, false, 0, i, 0, 0});
  for (int i = 0; i < 27; ++i) channel.push({0, true, 4, 0, i, 0});
  for (int i = 16; i < 31; ++i) channel.push({0, false, 0, i, 0, 0});
  channel.run(DramChannel::kNever);
  int drained = 0, reads_before = 0, reads_between = 0;
  for (const DramCommand& command : log) {
    if (command.kind == DramCommandKind::kWrite) {
      ++drained;
      continue;
    }
    if (command.kind != DramCommandKind::kRead) continue;
    if (drained == 0) ++reads_before;
    if (drained > 0 && drained < 27) {
      // From 27 writes down to 6, with no read but the one whose row was open already.
      if (drained < 21) CHECK(reads_between == 0);
      ++reads_between;
    }
  }
  CHECK(reads_before >= 1);
  CHECK(reads_before < 16);
  CHECK(reads_between > 0);
  CHECK(drained == 27);
}

TEST_CASE("a read of what waits to be written is answered from the write queue") {
  DramChannel channel(device("ddr4-2400"), {});
  channel.push({0, false, 0, 9, 0, 1});  // so that the write waits
  channel.push({0, true, 0, 5, 3, 2});
  channel.push({0, false, 0, 5, 3, 3});
  const auto answers = answers_of(channel);
  CHECK(answers.at(2) == 1 + 21);  // CL + burst after its admission at clock 1
  CHECK(answers.at(3) == 2 + 21);
  CHECK(channel.statistics(0).forwarded_reads == 1);
  CHECK(channel.statistics(0).reads == 1);
  CHECK(channel.statistics(0).writes == 1);
}

TEST_CASE("a closed page is closed by its last access") {
  DramControllerConfig closed;
  closed.page_policy = PagePolicy::kClosed;
  const DramDevice dram = device("ddr4-2400");
  std::vector<DramCommand> log;
  DramChannel channel(dram, closed, [&](const DramCommand& command) { log.push_back(command); });
  channel.push({0, false, 0, 1, 0, 1});
  channel.run(300);
  channel.push({300, false, 0, 2, 0, 2});
  const auto answers = answers_of(channel);
  CHECK(answers.at(1) == 38);
  CHECK(answers.at(2) == 300 + 38);  // no conflict: the row was closed long ago
  for (const DramCommand& command : log) CHECK(command.kind != DramCommandKind::kPrecharge);
  const DramStatistics s = channel.statistics(0);
  CHECK(s.row_misses == 2);
  CHECK(s.precharges == 2);
  CHECK(s.active == 39 + 39);  // tRAS each, longer than tRCD + tRTP
}

TEST_CASE("the clocks of a short run are put down to their reasons") {
  // Two reads of one bank group: ACT 0, RD 17, RD 23; data 34..38 and 40..44.
  DramChannel channel(device("ddr4-2400"), {});
  channel.push({0, false, 0, 1, 0, 0});
  channel.push({0, false, 0, 1, 1, 0});
  channel.run(1000);
  const DramStatistics s = channel.statistics(100);
  CHECK(s.data == 8);
  CHECK(s.bank_group == 2);
  CHECK(s.row == 17);
  CHECK(s.idle == 17 + 56);  // before the first data could come at the earliest, and after the last
  CHECK(s.clocks == 100);
  CHECK(s.active == 100);
  CHECK(s.row_misses == 1);
  CHECK(s.row_hits == 1);
}

TEST_CASE("an idle channel is refreshed all the same") {
  const DramDevice dram = device("hbm2");
  DramChannel channel(dram, {});
  channel.run(39'001);
  CHECK(channel.statistics(39'001).refreshes == 10);
  CHECK(channel.statistics(39'001).active == 10 * 350);
}

TEST_CASE("to run a channel in small steps changes nothing") {
  const std::uint64_t seed = 5;
  INFO("seed " << seed);
  const DramDevice dram = device("lpddr5-6400");
  std::vector<DramAccess> accesses;
  std::mt19937_64 random(seed);
  DramClock clock = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    clock += static_cast<DramClock>(random() % 9);
    accesses.push_back({clock, random() % 3 == 0, static_cast<int>(random() % 16),
                        static_cast<int>(random() % 3), static_cast<int>(random() % 64), i});
  }
  DramChannel at_once(dram, {}), in_steps(dram, {});
  for (const DramAccess& access : accesses) at_once.push(access);
  DramClock known = 0;
  for (const DramAccess& access : accesses) {
    // Everything before an arrival may be decided, and is, in steps of any size.
    while (known < access.arrival) {
      known = std::min(access.arrival, known + 1 + static_cast<DramClock>(random() % 5));
      in_steps.run(known);
    }
    in_steps.push(access);
  }
  CHECK(answers_of(at_once) == answers_of(in_steps));
  CHECK(at_once.statistics(0).clocks == in_steps.statistics(0).clocks);
}

TEST_CASE("no answer comes sooner than the lookahead after what is known") {
  const std::uint64_t seed = 6;
  INFO("seed " << seed);
  DramChannel channel(device("ddr4-2400"), {});
  std::mt19937_64 random(seed);
  for (DramClock clock = 0; clock < 20000; ++clock) {
    // Each its own tag: those of one tag may be answered together.
    if (random() % 6 == 0)
      channel.push({clock, random() % 2 == 0, static_cast<int>(random() % 16),
                    static_cast<int>(random() % 4), static_cast<int>(random() % 128),
                    static_cast<std::uint64_t>(clock)});
    channel.run(clock + 1);
    for (const DramAnswer& answer : channel.answers())
      REQUIRE(answer.clock >= clock + channel.lookahead());
    channel.answers().clear();
  }
}
