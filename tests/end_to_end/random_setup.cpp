#include "tests/end_to_end/random_setup.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace corank::test {
namespace {

using draw::chance;
using draw::int_between;
using draw::one_of;
using draw::Random;

int draw_size(Random& random) {
  return int_between(random, 1, one_of(random, std::array<int, 8>{3, 4, 5, 8, 9, 9, 16, 32}));
}

// Any power between the two: 0.1 to 1 as often as 1 to 10.
double draw_between(Random& random, double low, double high) {
  const double share = static_cast<double>(random() >> 11) * 0x1p-53;
  return low * std::pow(high / low, share);
}

std::string draw_memory(Random& random) {
  constexpr std::array<const char*, 5> kDevices = {"ddr4-2400", "ddr4-3200", "hbm2", "lpddr4-3200",
                                                   "lpddr5-6400"};
  if (chance(random, 2)) {
    const double latency = chance(random, 8) ? 0 : draw_between(random, 1, 5000);
    return fmt::format(
        "{{kind: fixed-latency, size_mib: 64, latency_ns: {:.3g}, "
        "bandwidth_gb_per_s: {:.3g}}}",
        latency, draw_between(random, 0.2, 200));
  }
  return fmt::format("{}/memory/{}.yaml", CORANK_CONFIGS, one_of(random, kDevices));
}

std::string draw_layers(Random& random) {
  std::string layers;
  const int tokens = int_between(random, 1, chance(random, 2) ? 16 : 130);
  for (int i = int_between(random, 1, 3); i > 0; --i) {
    const auto size = [&] { return int_between(random, 1, chance(random, 2) ? 24 : 200); };
    layers += fmt::format("{{in: {}, out: {}, rank: {}, bias: {}, repeat: {}}}{}", size(), size(),
                          chance(random, 6) ? 0 : int_between(random, 1, 16),
                          chance(random, 2) ? "true" : "false", int_between(random, 1, 3),
                          i > 1 ? ", " : "");
  }
  return fmt::format("{{tokens: {}, layers: [{}]}}", tokens, layers);
}

}  // namespace

std::string draw_accelerator(Random& random) {
  const int rows = draw_size(random), columns = draw_size(random);
  // The cycles of both are the same; the bit-level one takes long to build and to simulate.
  const bool bit_level = rows * columns <= 40 && chance(random, 2);
  return fmt::format(
      "accelerator={{array: {{rows: {}, columns: {}, mac: {}}}, vector: {{lanes: {}}}, "
      "scratchpad: {{kib: {}, banks: {}}}, accumulator: {{kib: {}, banks: {}}}, axi: {{data_bits: "
      "{}}}, queue_depth: {}}}",
      rows, columns, bit_level ? "bit-level" : "host-float", 1 << int_between(random, 0, 5),
      4 << int_between(random, 0, 6), 8 << int_between(random, 0, 2),
      4 << int_between(random, 0, 6), 4 << int_between(random, 0, 2),
      64 << int_between(random, 0, 3), int_between(random, 1, chance(random, 2) ? 4 : 16));
}

std::vector<std::string> draw_setup(Random& random, const std::string& accelerator) {
  const std::string machine = accelerator.empty() ? draw_accelerator(random) : accelerator;
  return {machine,
          fmt::format("accelerator.clock_mhz={:.4g}", draw_between(random, 50, 5000)),
          fmt::format("accelerator.axi.outstanding={}", int_between(random, 1, 16)),
          fmt::format("accelerator.axi.burst_beats={}",
                      one_of(random, std::array<int, 5>{1, 2, 7, 64, 256})),
          "memory=" + draw_memory(random),
          fmt::format("link={{latency_ns: {:.3g}, bandwidth_gb_per_s: {:.3g}, payload_bytes: {}, "
                      "overhead_bytes: {}}}",
                      draw_between(random, 1, 20000), draw_between(random, 0.01, 100),
                      64 << int_between(random, 0, 4), int_between(random, 0, 64)),
          "workload.shapes=" + draw_layers(random),
          fmt::format("workload.weights={}", chance(random, 3) ? "streamed" : "resident"),
          fmt::format("workload.stream_tiles={}", int_between(random, 1, 8)),
          "values=off"};
}

}  // namespace corank::test
