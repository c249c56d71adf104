// What random cases are made of: everything that they promise occurs.
#include "host/verify/layer_case.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "host/config/config.h"
#include "host/run/simulate.h"
#include "host/verify/case_memory.h"
#include "models/base/error.h"
#include "sim/dram/address_map.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

bool compiles(const LayerCase& layer) {
  try {
    Config config = layer.config;
    config.compiler.rehearse = false;  // its outcome is another question
    compile_for(config, program_of(layer));
    return true;
  } catch (const InputError&) {
    return false;
  }
}

// Whether the compiler refuses a KiB less, or two.
bool near_least(const LayerCase& drawn, int CompilerConfig::*limit) {
  LayerCase layer = drawn;
  int& kib = layer.config.compiler.*limit;
  if (kib == 0) return false;
  for (int less = 0; less < 2; ++less) {
    if (--kib == 0 || !compiles(layer)) return true;
  }
  return false;
}

bool equal(const TensorMap& a, const TensorMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.bytes == other.second.bytes;
  });
}

}  // namespace

TEST_CASE("A case is the same whenever it is drawn, and another seed gives another") {
  const CaseSource source = test_cases(20000);
  for (const int number : {0, 7, 29}) {
    const LayerCase one = make_case(source, 5, number), same = make_case(source, 5, number);
    CHECK(describe(one) == describe(same));
    CHECK(equal(one.given, same.given));
    REQUIRE(one.feeds.size() == same.feeds.size());
    for (std::size_t i = 0; i < one.feeds.size(); ++i) CHECK(equal(one.feeds[i], same.feeds[i]));
    CHECK(describe(one) != describe(make_case(source, 6, number)));
  }
}

TEST_CASE("Cases have every machine, kind of memory, number of bursts and limits near the least") {
  const CaseSource source = test_cases(20000);
  constexpr int kCases = 300;
  int dram = 0, scratchpad = 0, accumulator = 0, streamed = 0, stalled = 0;
  std::set<int> outstanding, widths, queues;
  std::set<std::string> maps;
  std::set<PagePolicy> policies;
  DeviceCount devices;
  for (int number = 0; number < kCases; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    const Config& config = layer.config;
    INFO(describe(layer));
    CHECK(compiles(layer));
    if (config.memory.kind == MemoryKind::kDram) {
      ++dram;
      maps.insert(config.memory.dram.address_map);
      policies.insert(config.memory.dram.controller.page_policy);
    }
    devices.add(layer);
    scratchpad += near_least(layer, &CompilerConfig::scratchpad_kib);
    accumulator += near_least(layer, &CompilerConfig::accumulator_kib);
    streamed += config.weights == Weights::kStreamed;
    stalled += config.stalls.percent > 0;
    outstanding.insert(config.limits.outstanding_bursts);
    widths.insert(config.machine.axi_data_bits);
    queues.insert(config.machine.queue_depth);
  }
  CHECK(dram >= kCases * 2 / 5);
  CHECK(dram <= kCases * 3 / 5);
  CHECK(devices.least() >= 15);
  CHECK(maps.size() >= 50);
  CHECK(policies.size() == 2);
  CHECK(scratchpad >= kCases / 10);
  CHECK(accumulator >= kCases / 10);
  CHECK(streamed >= kCases / 3);
  CHECK(stalled >= kCases / 3);
  CHECK(outstanding.size() == 16);
  CHECK(widths == std::set<int>{64, 128, 256, 512});
  CHECK(*queues.begin() == 1);
}

TEST_CASE("Some cases have several steps, each with feeds of its own, of every optimizer") {
  const CaseSource source = test_cases(20000);
  constexpr int kCases = 300;
  int several = 0, accumulating = 0, planted = 0, streamed = 0;
  std::map<OptimizerKind, int> kinds;
  std::set<std::size_t> steps;
  std::set<Schedule::Kind> schedules;
  std::set<std::string> forms;
  for (int number = 0; number < kCases; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    steps.insert(layer.feeds.size());
    if (layer.feeds.size() == 1) continue;
    INFO(describe(layer));
    ++several;
    const OptimizerSettings& optimizer = layer.optimizer;
    accumulating += optimizer.accumulate > 1;
    planted += !layer.planted.empty();
    streamed += layer.config.weights == Weights::kStreamed;
    ++kinds[optimizer.kind];
    schedules.insert(optimizer.schedule.kind);
    if (optimizer.kind == OptimizerKind::kSgd) {
      const SgdForm form = form_of(optimizer.sgd);
      forms.insert(std::string(form.decays ? "decays " : "") + (form.nesterov       ? "nesterov"
                                                                : form.has_momentum ? "momentum"
                                                                                    : "plain"));
    }
    const std::string x = micro_batch_name(
        layer_prefix(0, static_cast<std::size_t>(layer.layers)) + "x", 0, optimizer.accumulate);
    std::set<std::vector<std::byte>> feeds;
    for (const TensorMap& fed : layer.feeds) feeds.insert(fed.at(x).bytes);
    const std::int64_t elements = element_count(layer.feeds.front().at(x).shape);
    if (elements > 4) CHECK(feeds.size() == layer.feeds.size());
  }
  CHECK(several >= kCases / 6);
  CHECK(steps == std::set<std::size_t>{1, 2, 3});
  CHECK(accumulating >= kCases / 30);
  CHECK(planted > 0);
  CHECK(streamed >= kCases / 30);
  CHECK(kinds[OptimizerKind::kAdamW] >= kCases / 15);
  CHECK(kinds[OptimizerKind::kSgd] >= kCases / 15);
  CHECK(schedules.size() == 3);
  CHECK(forms.size() == 6);
}

TEST_CASE("A memory of the user's is that of half of the cases, just as it is") {
  CaseSource source = test_cases(20000);
  MemoryConfig memory;
  memory.latency_ns = 12345;
  source.memory = memory;
  constexpr int kCases = 200;
  int users = 0;
  for (int number = 0; number < kCases; ++number)
    users += make_case(source, 1, number).config.memory.latency_ns == 12345;
  CHECK(users >= kCases * 2 / 5);
  CHECK(users <= kCases * 3 / 5);
}

TEST_CASE("A machine with hardly any local memory gets cases too, whatever the turn") {
  CaseSource source = test_cases(20000);
  MachineShape tiny;
  tiny.array_rows = tiny.array_columns = 32;
  tiny.scratchpad_kib = tiny.accumulator_kib = 16;  // the least that the banks allow
  source.machines = {tiny};
  for (int number = 0; number < 40; ++number) {
    const LayerCase layer = make_case(source, 1, number);
    INFO(describe(layer));
    CHECK(compiles(layer));
  }
}

TEST_CASE("Every memory that is drawn is one that a configuration may name") {
  const std::vector<MemoryConfig> drams = dram_memories();
  CHECK(drams.size() >= 5);
  draw::Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const MemoryConfig memory = draw_dram(random, drams);
    INFO(describe(memory));
    const DramConfig& dram = memory.dram;
    const DramAddressMap map(dram.address_map, dram.device.organisation, dram.channels);
    CHECK(static_cast<std::uint64_t>(memory.size_mib) << 20 == map.bytes());
    CHECK(dram.controller.drain_high < dram.controller.write_queue);
    CHECK(dram.controller.drain_low < dram.controller.drain_high);
    const MemoryConfig fixed = draw_fixed_latency(random);
    CHECK(fixed.kind == MemoryKind::kFixedLatency);
    CHECK(fixed.bandwidth_gb_per_s >= 1);
  }
}
