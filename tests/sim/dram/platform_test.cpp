// The DRAM behind the platform's sockets. The accelerator rests; the host reads and writes.
#include "sim/platform/platform.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/sim/dram/run_trace.h"

using namespace corank;

namespace {

PlatformConfig platform(const std::string& device, const std::string& map, int channels) {
  PlatformConfig config;
  config.fidelity = Fidelity::kCycle;
  config.memory.kind = MemoryKind::kDram;
  config.memory.dram.device = test::device(device);
  config.memory.dram.address_map = map;
  config.memory.dram.channels = channels;
  // A link that costs next to nothing.
  config.link.latency_ns = 0;
  config.link.bandwidth_gb_per_s = 1e6;
  config.link.overhead_bytes = 0;
  config.link.payload_bytes = 4096;
  return config;
}

}  // namespace

TEST_CASE("a read of the DRAM takes its clocks, from the edge after its arrival") {
  const PlatformConfig config = platform("ddr4-2400", "row bank column group", 1);
  const double clock = 0.833;
  const PlatformResult result = run_platform(config, [&](HostPort& host) {
    const auto clocks_of = [&](std::uint64_t address, std::size_t size) {
      const double before = host.now_ns();
      host.read_memory(address, size);
      return (host.now_ns() - before) / clock;
    };
    // A little over a clock at most is lost until the edge and on the link.
    const double closed = clocks_of(0, 64);
    CHECK(closed >= 38);
    CHECK(closed <= 39.1);
    const double hit = clocks_of(16, 32);
    CHECK(hit >= 21);
    CHECK(hit <= 22.1);
    const double conflict = clocks_of(std::uint64_t{8192} * 16, 64);  // the next row of the bank
    CHECK(conflict >= 55);
    CHECK(conflict <= 56.1);
    // 12 accesses over four groups, of which three have no row open: data begin after tRCD + CL and
    // go on for 12 x 4 clocks; two more until the first of those three is admitted and opened.
    const double burst = clocks_of(std::uint64_t{8192} * 64, 12 * 64);
    CHECK(burst >= 34 + 48);
    CHECK(burst <= 34 + 48 + 2 + 1.1);
  });
  REQUIRE(result.dram);
  CHECK(result.dram->statistics.reads == 1 + 1 + 1 + 12);
  CHECK(result.memory.link.read_bytes == 64 + 32 + 64 + 768);
  CHECK(result.dram->energy.known);
  CHECK(result.dram->energy.read == Approx(15 * 2942.8224));
  const DramStatistics& s = result.dram->statistics;
  CHECK(s.data + s.idle + s.refresh + s.turnaround + s.bank_group + s.row == s.clocks);
}

TEST_CASE("what was written is read again, whatever the device, the map and the channels") {
  const auto [name, map, channels] = GENERATE(
      table<std::string, std::string, int>({{"ddr4-2400", "row bank column group", 1},
                                            {"ddr4-3200", "row bank group column channel", 3},
                                            {"lpddr4-3200", "row bank column channel column:2", 4},
                                            {"lpddr5-6400", "row bank column channel group", 4},
                                            {"hbm2", "row bank column channel group", 16}}));
  const unsigned seed = 11;
  INFO(name << ", seed " << seed);
  const PlatformResult result = run_platform(platform(name, map, channels), [&](HostPort& host) {
    std::mt19937 random(seed);
    std::map<std::uint64_t, std::uint8_t> written;
    for (int i = 0; i < 200; ++i) {
      const std::uint64_t address = random() % 20000;
      std::vector<std::uint8_t> bytes(1 + random() % 3000);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      if (random() % 2 == 0) {
        host.write_memory(address, bytes);
        for (std::size_t at = 0; at < bytes.size(); ++at) written[address + at] = bytes[at];
      } else {
        const std::vector<std::uint8_t> read = host.read_memory(address, bytes.size());
        bool same = true;
        for (std::size_t at = 0; at < read.size(); ++at) {
          const auto found = written.find(address + at);
          same = same && read[at] == (found == written.end() ? 0 : found->second);
        }
        REQUIRE(same);
      }
    }
  });
  CHECK(result.dram->statistics.writes > 0);
}

TEST_CASE("the same run on a DRAM takes the same time") {
  const auto time = [] {
    return run_platform(platform("hbm2", "row bank column channel group", 16),
                        [](HostPort& host) {
                          for (std::uint64_t i = 0; i < 50; ++i) {
                            host.write_memory(i * 5000, std::vector<std::uint8_t>(4096, 1));
                            host.read_memory(i * 3000, 2048);
                          }
                        })
        .simulated_ns;
  };
  CHECK(time() == time());
}

TEST_CASE("a stream from the DRAM reaches the share of the peak that its refresh leaves") {
  // 4 MiB in one transaction: as the trace a in map bgi, 95.2 % of 19.2 GB/s.
  PlatformConfig config = platform("ddr4-2400", "row bank column group", 1);
  config.link.payload_bytes = 1 << 20;
  const PlatformResult result =
      run_platform(config, [](HostPort& host) { host.read_memory(0, std::size_t{4} << 20); });
  const double gb_per_s = 4194304 / result.simulated_ns;
  CHECK(gb_per_s / 19.21 == Approx(0.952).epsilon(0.015));
}
