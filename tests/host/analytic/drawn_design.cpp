#include "tests/host/analytic/drawn_design.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "host/verify/draw.h"
#include "models/base/error.h"

namespace corank::test {
namespace {

using draw::chance;
using draw::one_of;

std::string layers_of(draw::Random& random) {
  constexpr std::array kSizes = {16, 64, 96, 100, 128, 256, 300};
  constexpr std::array kRanks = {1, 4, 8, 16};
  const int in = one_of(random, kSizes), out = one_of(random, kSizes);
  const int rank = one_of(random, kRanks);
  std::string text = fmt::format("{{in: {}, out: {}, rank: {}}}", in, out, rank);
  const std::uint64_t more = random() % 5;  // a second layer, a third one
  for (std::uint64_t i = 3; i <= more; ++i)
    text += fmt::format(", {{in: {}, out: {}, rank: {}}}", out, in, rank);
  return text;
}

void draw_memory(draw::Random& random, std::vector<std::string>& settings) {
  constexpr std::array kDrams = {"ddr4-2400",   "ddr4-3200",   "hbm2",
                                 "lpddr4-3200", "lpddr5-6400", "lpddr5-6400-128bit"};
  if (chance(random, 2)) {
    settings.push_back(
        fmt::format("memory={}/memory/{}.yaml", CORANK_CONFIGS, one_of(random, kDrams)));
    return;
  }
  constexpr std::array kLatencies = {20, 50, 100, 200, 300};
  constexpr std::array kBandwidths = {2, 4, 8, 16, 32, 64, 128};
  settings.push_back(fmt::format("memory.latency_ns={}", one_of(random, kLatencies)));
  settings.push_back(fmt::format("memory.bandwidth_gb_per_s={}", one_of(random, kBandwidths)));
}

}  // namespace

DrawnDesign draw_design(std::uint64_t number) {
  draw::Random random(number * 0x9E3779B97F4A7C15u + 1);
  DrawnDesign design;
  design.number = number;
  std::vector<std::string>& settings = design.settings;
  const auto set = [&](const char* key, auto value) {
    settings.push_back(fmt::format("{}={}", key, value));
  };
  set("values", "off");
  const int rows = one_of(random, std::array{2, 3, 4, 5, 8, 8, 12, 16, 16, 32});
  set("accelerator.array.rows", rows);
  set("accelerator.array.columns", one_of(random, std::array{rows, rows, rows, 4, 6, 8, 16, 32}));
  set("accelerator.vector.lanes", one_of(random, std::array{2, 4, 8, 8, 16}));
  set("accelerator.axi.data_bits", one_of(random, std::array{64, 128, 128, 256, 512}));
  set("accelerator.axi.outstanding", one_of(random, std::array{1, 2, 4, 8, 8, 16}));
  set("accelerator.axi.burst_beats", one_of(random, std::array{4, 8, 16, 32, 64, 64, 256}));
  set("accelerator.scratchpad.kib", one_of(random, std::array{32, 64, 128, 256, 512}));
  set("accelerator.accumulator.kib", one_of(random, std::array{32, 64, 128, 256}));
  set("accelerator.queue_depth", one_of(random, std::array{1, 2, 4, 4, 8, 16}));
  set("accelerator.clock_mhz", one_of(random, std::array{200, 500, 800, 1000, 1000, 1333, 2000}));
  draw_memory(random, settings);
  if (chance(random, 3)) set("link", fmt::format("{}/link/on-chip.yaml", CORANK_CONFIGS));
  set("energy", fmt::format("{}/energy/{}.yaml", CORANK_CONFIGS,
                            one_of(random, std::array{"7nm", "45nm", "synthesis"})));
  if (chance(random, 4))
    set("workload.quantize", one_of(random, std::array{"nf4", "nf4-dq", "int8", "int4-group64"}));
  if (chance(random, 5)) set("workload.weights", "streamed");
  set("workload.shapes",
      fmt::format("{{tokens: {}, layers: [{}]}}",
                  one_of(random, std::array{1, 8, 16, 33, 64, 64, 100, 128}), layers_of(random)));
  design.rehearse = chance(random, 8);
  if (chance(random, 10)) design.stall_percent = draw::int_between(random, 1, 50);
  return design;
}

std::optional<Config> DrawnDesign::config() const {
  try {
    Config config = load_config("", settings);
    config.compiler.rehearse = rehearse;
    config.stalls.percent = stall_percent;
    return config;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

std::string DrawnDesign::text() const {
  return fmt::format("design {}: {}, rehearsed {}, stalls {} %", number, fmt::join(settings, " "),
                     rehearse, stall_percent);
}

}  // namespace corank::test
