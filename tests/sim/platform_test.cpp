#include "sim/platform/platform.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fake_machine.h"
#include "models/base/error.h"

using Catch::Matchers::Contains;
using corank::HostPort;
using corank::MachineError;
using corank::PlatformConfig;
using corank::PlatformResult;
using corank::run_platform;
using Bytes = std::vector<std::uint8_t>;

namespace {

// 1 GHz, bus of 16 bytes; memory 100 ns and 16 bytes/ns; link 500 ns, 16 bytes/ns, packets of 256 +
// 24 bytes.
PlatformConfig platform(int axi_data_bits = 128) {
  PlatformConfig config;
  config.machine_library = fake::machine(axi_data_bits);
  config.shape.axi_data_bits = axi_data_bits;
  return config;
}

struct Copy {
  std::uint32_t source = 0x10000;
  std::uint32_t destination = 0x80000;
  std::uint32_t beats = 4;
  std::uint32_t bursts = 1;
  std::uint32_t mode = 0;
  std::uint32_t run = 7;
};

void start(HostPort& host, const Copy& copy) {
  host.write_register(fake::kSource, copy.source);
  host.write_register(fake::kDestination, copy.destination);
  host.write_register(fake::kBeats, copy.beats);
  host.write_register(fake::kBursts, copy.bursts);
  host.write_register(fake::kMode, copy.mode);
  host.write_register(fake::kStart, copy.run);
}

Bytes random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(generator());
  return bytes;
}

// A copy on a machine of its own, and the value of one of its registers at the end.
std::uint32_t measure(const PlatformConfig& config, const Copy& copy, std::uint32_t offset) {
  std::uint32_t value = 0;
  run_platform(config, [&](HostPort& host) {
    start(host, copy);
    REQUIRE(host.wait_interrupt(100000));
    value = host.read_register(offset);
  });
  return value;
}

std::string failure_of(const PlatformConfig& config, const Copy& copy) {
  try {
    run_platform(config, [&](HostPort& host) {
      start(host, copy);
      host.wait_interrupt(100000);
    });
  } catch (const MachineError& error) {
    return error.what();
  }
  return "nothing failed";
}

}  // namespace

// ---- The link

TEST_CASE("a register write takes one packet's time on the wire") {
  run_platform(platform(), [](HostPort& host) {
    CHECK(host.now_ns() == 0);
    host.write_register(fake::kSource, 5);
    CHECK(host.now_ns() == Approx(28 / 16.0).epsilon(1e-12));  // 4 + 24 bytes
    host.write_register(fake::kSource, 6);
    CHECK(host.now_ns() == Approx(2 * 28 / 16.0).epsilon(1e-12));
  });
}

TEST_CASE("a register read takes a round trip") {
  run_platform(platform(), [](HostPort& host) {
    host.write_register(fake::kSource,
                        0xdeadbeef);  // leaves at 1.75, arrives at 501.75, done at edge 503
    CHECK(host.read_register(fake::kSource) == 0xdeadbeef);
    // 24 bytes leave at 1.75 + 1.5 = 3.25 and arrive at 503.25; the next edge is 504 (address), the
    // data comes at 505; 28 bytes leave at 506.75 and arrive at 1006.75.
    CHECK(host.now_ns() == Approx(1006.75).epsilon(1e-12));
    CHECK(host.cycles() == 1006);
  });
}

TEST_CASE("a flush waits until memory has what was sent, and for nothing else") {
  PlatformConfig slow = platform();
  slow.memory.bandwidth_gb_per_s = 1;
  SECTION("a memory slower than the link") {
    const PlatformResult result = run_platform(slow, [](HostPort& host) {
      // Packets of 280, 280, 112 bytes leave at 17.5, 35, 42. Memory is ready 600 ns after the
      // first has left and takes 600 ns. The flush's 24 bytes leave at 43.5 and are there at 543.5.
      host.write_memory(0x1000, random_bytes(600, 1));
      CHECK(host.memory_at_work() == false);  // nothing has arrived
      host.flush();
      // Answered at 1217.5; 24 bytes take 1.5 ns, and 500 ns on the way.
      CHECK(host.now_ns() == Approx(1719.0).epsilon(1e-12));
      CHECK(host.memory_at_work() == false);
    });
    CHECK(result.link.to_device.packets == 4);
    CHECK(result.link.to_device.payload_bytes == 600);
    CHECK(result.link.to_device.wire_bytes == 600 + 4 * 24);
    CHECK(result.link.to_host.packets == 1);
    CHECK(result.link.to_host.wire_bytes == 24);
    CHECK(result.memory.link.reads == 0);
  }
  SECTION("nothing was sent") {
    run_platform(slow, [](HostPort& host) {
      host.flush();
      CHECK(host.now_ns() == Approx(2 * (1.5 + 500)).epsilon(1e-12));
    });
  }
  SECTION("a memory is at work from a request's arrival to its answer") {
    run_platform(slow, [](HostPort& host) {
      host.write_memory(0x1000, random_bytes(200, 1));  // leaves at 14, answered at 814
      host.wait_interrupt(500);                         // until 514, the moment of its arrival
      host.wait_interrupt(1);
      CHECK(host.memory_at_work());
      host.wait_interrupt(298);
      CHECK(host.memory_at_work());
      CHECK(host.memory_answers() == 0);
      host.wait_interrupt(2);
      CHECK(host.memory_at_work() == false);
      CHECK(host.memory_answers() == 1);
    });
  }
}

TEST_CASE("memory goes over the link in packets") {
  const Bytes bytes = random_bytes(600, 1);
  SECTION("a write takes its packets' time on the wire") {
    const PlatformResult result = run_platform(platform(), [&](HostPort& host) {
      host.write_memory(0x1234, bytes);
      CHECK(host.now_ns() == Approx((600 + 3 * 24) / 16.0).epsilon(1e-12));
      CHECK(host.read_memory(0x1234, 600) == bytes);
      CHECK(host.read_memory(0x1233, 2) == Bytes{0, bytes[0]});
    });
    CHECK(result.link.to_device.packets == 3 + 3 + 1);
    CHECK(result.link.to_device.payload_bytes == 600);
    CHECK(result.link.to_device.wire_bytes == 600 + 7 * 24);
    CHECK(result.link.to_device.busy_ns == Approx(768 / 16.0));
    CHECK(result.link.to_host.packets == 3 + 1);
    CHECK(result.link.to_host.payload_bytes == 602);
    CHECK(result.link.to_host.wire_bytes == 602 + 4 * 24);
    CHECK(result.memory.link.writes == 3);
    CHECK(result.memory.link.written_bytes == 600);
    CHECK(result.memory.link.reads == 4);
    CHECK(result.memory.link.read_bytes == 602);
    CHECK(result.memory.accelerator.reads == 0);
    CHECK(result.memory.busy_ns == Approx(1202 / 16.0));
  }
  SECTION("a read's packets overlap on link and memory") {
    run_platform(platform(), [](HostPort& host) {
      // Requests of 24 bytes leave at 1.5, 3, 4.5 and arrive at 501.5, 503, 504.5. The memory has
      // 256 bytes at 601.5 + 16 = 617.5, 256 at 633.5, 88 at 639. Answers of 280, 280, 112 bytes
      // leave at 617.5 + 17.5 = 635, 652.5 and 659.5; the last arrives at 1159.5.
      CHECK(host.read_memory(0x1000, 600) == Bytes(600, 0));
      CHECK(host.now_ns() == Approx(1159.5).epsilon(1e-12));
    });
  }
  SECTION("nothing takes no time") {
    run_platform(platform(), [](HostPort& host) {
      host.write_memory(0, {});
      CHECK(host.read_memory(0, 0).empty());
      CHECK(host.now_ns() == 0);
    });
  }
}

TEST_CASE("an access that the memory or the registers do not have is an error of the machine") {
  PlatformConfig config = platform();
  config.memory.size_mib = 1;
  CHECK_NOTHROW(run_platform(config, [](HostPort& host) { host.read_memory((1 << 20) - 4, 4); }));
  CHECK_THROWS_WITH(
      run_platform(config, [](HostPort& host) { host.read_memory((1 << 20) - 4, 5); }),
      Contains("host read of the memory") && Contains("1048572"));
  // A posted write's error comes later.
  CHECK_THROWS_WITH(run_platform(config,
                                 [](HostPort& host) {
                                   host.write_memory(1 << 20, Bytes(1));
                                   host.wait_interrupt(10000);
                                 }),
                    Contains("host write of the memory"));
  CHECK_THROWS_WITH(run_platform(config, [](HostPort& host) { host.read_register(0x1000); }),
                    Contains("host read of the registers"));
  CHECK_THROWS_WITH(run_platform(config, [](HostPort& host) { host.read_register(2); }),
                    Contains("host read of the registers"));
}

// ---- The memory, at the pins

TEST_CASE("the accelerator waits latency plus transfer, to the first edge strictly after") {
  PlatformConfig config = platform();
  // 64 bytes: 100 + 64 / 16 = 104 ns after the edge of the request, which is an edge itself: seen
  // one later.
  CHECK(measure(config, Copy{}, fake::kReadWait) == 105);
  CHECK(measure(config, Copy{}, fake::kWriteWait) == 105);
  CHECK(measure(config, Copy{}, fake::kDataTime) == 3);
  config.memory.latency_ns = 99.999999;  // 1 fs less
  CHECK(measure(config, Copy{}, fake::kReadWait) == 104);
  CHECK(measure(config, Copy{}, fake::kWriteWait) == 104);
  // 2.5 ns a cycle: 104 ns are 41.6 cycles, 100 ns are 40.
  config = platform();
  config.limits.clock_mhz = 400;
  CHECK(measure(config, Copy{}, fake::kReadWait) == 42);
  config.memory.latency_ns = 96;
  CHECK(measure(config, Copy{}, fake::kReadWait) == 41);
}

TEST_CASE("bursts share the memory's bandwidth") {
  PlatformConfig config = platform();
  Copy copy;
  copy.beats = 16;
  copy.bursts = 16;
  copy.mode = fake::kStoreAfterLoad;
  // 256 bytes take 16 ns: one beat a cycle without a gap, 256 beats.
  CHECK(measure(config, copy, fake::kDataTime) == 255);
  // At half of that, the first burst is there 100 + 32 ns after its address, the last one 100 + 16
  // * 32; beats from the edge after, to 15 edges later: 628 - 133.
  config.memory.bandwidth_gb_per_s = 8;
  CHECK(measure(config, copy, fake::kReadWait) == 133);
  CHECK(measure(config, copy, fake::kDataTime) == 495);
  // A memory with more than the bus takes still gives one beat a cycle.
  config.memory.bandwidth_gb_per_s = 64;
  CHECK(measure(config, copy, fake::kReadWait) == 105);
  CHECK(measure(config, copy, fake::kDataTime) == 255);
}

TEST_CASE("sixteen reads are in flight, no more") {
  PlatformConfig config = platform();
  config.memory.latency_ns = 1000;
  Copy copy;
  copy.bursts = 64;
  CHECK(measure(config, copy, fake::kMostInFlight) == 16);
  copy.bursts = 15;
  CHECK(measure(config, copy, fake::kMostInFlight) == 15);
}

TEST_CASE("what arrives exactly at an edge is seen at the next one") {
  // The counter is started by a write that arrives at 1.75 + latency, and read by a packet that
  // leaves 100 ns and 1.5 ns later: at 602 in both cases. It counts the edges in between.
  const auto counted = [](double latency) {
    PlatformConfig config = platform();
    config.link.latency_ns = latency;
    std::uint32_t value = 0;
    run_platform(config, [&](HostPort& host) {
      host.write_register(fake::kCounter, 1);
      CHECK_FALSE(host.wait_interrupt(100));
      value = host.read_register(fake::kCounter);
    });
    return value;
  };
  CHECK(counted(498.25) == 100);      // arrives at 500: written at edge 501, counts 502 .. 601
  CHECK(counted(498.249999) == 101);  // 1 fs before: written at edge 500
}

// ---- Copying

TEST_CASE("a copy is right bit for bit, on every bus, with and without random stalls") {
  for (const int data_bits : {64, 128, 512}) {
    for (const int percent : {0, 10, 50, 90}) {
      const auto seed = static_cast<std::uint64_t>(1000 * data_bits + percent);
      INFO("bus of " << data_bits << " bits, stalls " << percent << " %, seed " << seed);
      PlatformConfig config = platform(data_bits);
      config.stalls = {percent, seed};
      Copy copy;
      copy.beats = 8;
      copy.bursts = 40;
      const std::size_t size = copy.beats * copy.bursts * static_cast<std::size_t>(data_bits) / 8;
      const Bytes bytes = random_bytes(size, static_cast<unsigned>(seed));
      const PlatformResult result = run_platform(config, [&](HostPort& host) {
        host.write_memory(copy.source, bytes);
        host.write_memory(copy.destination, Bytes(size + 1, 0xa5));
        start(host, copy);
        REQUIRE(host.wait_interrupt(1000000));
        for (int i = 0; i < 10; ++i) CHECK(host.read_register(fake::kStatus) == fake::kDone);
        Bytes expected = bytes;
        expected.push_back(0xa5);
        CHECK(host.read_memory(copy.destination, size + 1) == expected);
      });
      for (const corank::AxiDirectionStatistics& axi : {result.axi.read, result.axi.write}) {
        CHECK(axi.bursts == 40);
        CHECK(axi.beats == 320);
        CHECK(axi.bytes == static_cast<std::int64_t>(size));
      }
      CHECK(result.memory.accelerator.reads == 40);
      CHECK(result.memory.accelerator.writes == 40);
      CHECK(result.memory.accelerator.read_bytes == static_cast<std::int64_t>(size));
      CHECK(result.memory.accelerator.written_bytes == static_cast<std::int64_t>(size));
      const auto& held = result.injections.held_cycles;
      const std::int64_t all = std::accumulate(held.begin(), held.end(), std::int64_t{0});
      if (percent == 0) CHECK(all == 0);
      if (percent >= 50) {
        for (int channel = 0; channel < corank::kChannels; ++channel) {
          INFO("channel " << channel);
          CHECK(held[static_cast<std::size_t>(channel)] > 0);
        }
      }
    }
  }
}

TEST_CASE("a seed replays, another one differs") {
  const auto end = [](std::uint64_t seed) {
    PlatformConfig config = platform();
    config.stalls = {40, seed};
    Copy copy;
    copy.bursts = 30;
    return run_platform(config,
                        [&](HostPort& host) {
                          start(host, copy);
                          REQUIRE(host.wait_interrupt(100000));
                        })
        .simulated_ns;
  };
  CHECK(end(1) == end(1));
  CHECK(end(1) != end(2));
}

TEST_CASE("only the bytes whose strobe is set are written") {
  run_platform(platform(), [](HostPort& host) {
    host.write_memory(0x10000, Bytes(64, 0x11));
    host.write_memory(0x80000, Bytes(64, 0xee));
    host.write_register(fake::kStrobe, 0x00f1);
    start(host, Copy{});
    REQUIRE(host.wait_interrupt(10000));
    Bytes expected(64, 0xee);
    for (std::size_t beat = 0; beat < 64; beat += 16) {
      for (const std::size_t byte : {0, 4, 5, 6, 7}) expected[beat + byte] = 0x11;
    }
    CHECK(host.read_memory(0x80000, 64) == expected);
  });
}

TEST_CASE("a trace event tells a command's cycles") {
  PlatformConfig config = platform();
  config.trace = true;
  const PlatformResult result = run_platform(config, [](HostPort& host) {
    start(host, Copy{});
    REQUIRE(host.wait_interrupt(10000));
  });
  REQUIRE(result.trace.size() == 2);
  const corank::TraceEvent& load = result.trace[0];
  const corank::TraceEvent& store = result.trace[1];
  // Six register writes, 1.75 ns apart on the link and two cycles each at the pins: the first at
  // edge 502, the last at edge 512. The load's address follows at once; 4 beats from 105 cycles
  // later.
  CHECK(load.unit == corank::interface::Engine::kLoad);
  CHECK(load.command == 7);
  CHECK(load.issue == 512);
  CHECK(load.start == 513);
  CHECK(load.end == 513 + 105 + 3);
  // The store's address in the cycle after the last beat, its 4 beats from the cycle after that.
  CHECK(store.unit == corank::interface::Engine::kStore);
  CHECK(store.command == 7);
  CHECK(store.start == load.end + 1);
  CHECK(store.end == store.start + 4 + 105);
}

// ---- Faults

TEST_CASE("a fault is injected into the burst that was named") {
  PlatformConfig config = platform();
  Copy copy;
  copy.bursts = 4;
  SECTION("an error response to a read") {
    config.faults.read_error = 3;
    const PlatformResult result = run_platform(config, [&](HostPort& host) {
      host.write_memory(copy.source, Bytes(256, 0x77));
      start(host, copy);
      REQUIRE(host.wait_interrupt(10000));
      CHECK(host.read_register(fake::kStatus) == (fake::kDone | fake::kReadFailed | fake::kSlverr));
      Bytes expected(256, 0x77);  // the third burst of 64 bytes carried nothing
      std::fill(expected.begin() + 128, expected.begin() + 192, std::uint8_t{0});
      CHECK(host.read_memory(copy.destination, 256) == expected);
    });
    CHECK(result.injections.read_errors == 1);
    CHECK(result.injections.write_errors == 0);
  }
  SECTION("an error response to a write") {
    config.faults.write_error = 4;
    const PlatformResult result = run_platform(config, [&](HostPort& host) {
      start(host, copy);
      REQUIRE(host.wait_interrupt(10000));
      CHECK(host.read_register(fake::kStatus) ==
            (fake::kDone | fake::kWriteFailed | fake::kSlverr));
    });
    CHECK(result.injections.write_errors == 1);
  }
  SECTION("a burst that does not come is not reached by its number") {
    config.faults.read_error = 5;
    CHECK(measure(config, copy, fake::kStatus) == fake::kDone);
  }
  SECTION("a read that is never answered holds back its own ID only") {
    config.faults.silent_read = 1;  // of ID 0, as the third one; the second and fourth are of ID 1
    const PlatformResult result = run_platform(config, [&](HostPort& host) {
      start(host, copy);
      const double before = host.now_ns();
      CHECK_FALSE(host.wait_interrupt(5000));
      CHECK(host.now_ns() - before == Approx(5000).epsilon(1e-12));
      CHECK(host.read_register(fake::kStart) == 1);
    });
    CHECK(result.injections.silent_reads == 1);
    CHECK(result.axi.read.bursts == 4);
    CHECK(result.axi.read.beats == 8);
    CHECK(result.memory.accelerator.reads == 3);
  }
}

TEST_CASE("an address beyond the memory is answered with DECERR") {
  PlatformConfig config = platform();
  config.memory.size_mib = 1;
  Copy copy;
  copy.source = 0x100000;
  CHECK(measure(config, copy, fake::kStatus) == (fake::kDone | fake::kReadFailed | fake::kDecerr));
  copy = Copy{};
  copy.destination = 0xffffffc0;
  CHECK(measure(config, copy, fake::kStatus) == (fake::kDone | fake::kWriteFailed | fake::kDecerr));
}

TEST_CASE("a machine that breaks the protocol is stopped") {
  PlatformConfig config = platform();
  config.memory.latency_ns = 1000;  // so that addresses wait
  Copy copy;
  copy.bursts = 40;
  copy.mode = fake::kArvalidFalls;
  CHECK_THAT(failure_of(config, copy), Contains("ARVALID fell"));
  copy.mode = fake::kNoWlast;
  CHECK_THAT(failure_of(config, copy), Contains("no WLAST") && Contains("in cycle"));
  copy.mode = fake::kUnknownArid;
  CHECK_THAT(failure_of(config, copy), Contains("ARID"));
  copy.mode = 0;
  copy.source = 0xfe0;
  CHECK_THAT(failure_of(config, copy), Contains("4 KiB"));

  copy = Copy{};
  copy.bursts = 40;
  copy.mode = fake::kAwaddrChanges;
  CHECK_THROWS_WITH(run_platform(config,
                                 [&](HostPort& host) {
                                   host.write_register(fake::kCounter, 1);
                                   start(host, copy);
                                   host.wait_interrupt(100000);
                                 }),
                    Contains("AW payload changed"));
}

TEST_CASE("a failed assertion of the RTL comes out with its message") {
  Copy copy;
  copy.mode = fake::kAssertionFails;
  CHECK_THAT(failure_of(platform(), copy),
             Contains("told to fail in run 7") && Contains("fake_accelerator.sv"));
}

TEST_CASE("a register that does not answer is an error of the machine") {
  CHECK_THROWS_WITH(run_platform(platform(),
                                 [](HostPort& host) {
                                   host.write_register(fake::kMode, fake::kNoAnswer);
                                   host.read_register(fake::kStatus);
                                 }),
                    Contains("did not answer") && Contains("offset 20"));
}

// ---- The host program

TEST_CASE("exceptions of the host program come out as they are") {
  struct Own {
    int value;
  };
  try {
    run_platform(platform(), [](HostPort& host) {
      host.write_register(fake::kSource, 1);
      throw Own{42};
    });
    FAIL("nothing was thrown");
  } catch (const Own& own) {
    CHECK(own.value == 42);
  }
}

TEST_CASE("a fault of the machine unwinds the host program") {
  bool unwound = false;
  struct Guard {
    bool& flag;
    ~Guard() { flag = true; }
  };
  Copy copy;
  copy.mode = fake::kAssertionFails;
  CHECK_THROWS_AS(run_platform(platform(),
                               [&](HostPort& host) {
                                 const Guard guard{unwound};
                                 start(host, copy);
                                 host.wait_interrupt(100000);
                               }),
                  MachineError);
  CHECK(unwound);
}

TEST_CASE("each rise of the interrupt is one message, one link latency later") {
  run_platform(platform(), [](HostPort& host) {
    CHECK_FALSE(host.wait_interrupt(0));
    CHECK(host.now_ns() == 0);
    start(host, Copy{});
    // As in the trace: the last B at edge 512 + 1 + 105 + 3 + 1 + 4 + 105 = 731, the line high from
    // then, seen at 732.
    CHECK(host.wait_interrupt(100000));
    CHECK(host.now_ns() == Approx(732 + 500).epsilon(1e-12));
    CHECK_FALSE(host.wait_interrupt(10));  // still high, but no second rise
    host.write_register(fake::kStatus, 0);
    start(host, Copy{});
    CHECK(host.wait_interrupt(100000));
  });
}

TEST_CASE("the clock of an idle machine is skipped without a difference") {
  // With its counter running the machine changes in every cycle, so that none can be skipped.
  const auto run = [](bool counting) {
    PlatformConfig config = platform();
    config.trace = true;
    return run_platform(config, [&](HostPort& host) {
      host.write_register(fake::kCounter, counting ? 1 : 0);
      for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(host.wait_interrupt(20000));
        start(host, Copy{});
        CHECK(host.wait_interrupt(10000));
        CHECK(host.read_register(fake::kStatus) == fake::kDone);
        host.write_register(fake::kStatus, 0);
      }
    });
  };
  const PlatformResult skipped = run(false);
  const PlatformResult full = run(true);
  CHECK(full.cycles > 60000);
  CHECK(full.cycles - full.evaluated_cycles < 502);  // before the counter runs
  CHECK(skipped.evaluated_cycles < 10000);
  CHECK(skipped.simulated_ns == full.simulated_ns);
  REQUIRE(skipped.trace.size() == 6);
  REQUIRE(full.trace.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(skipped.trace[i].issue == full.trace[i].issue);
    CHECK(skipped.trace[i].start == full.trace[i].start);
    CHECK(skipped.trace[i].end == full.trace[i].end);
  }
}

TEST_CASE("waves are written by a machine that was built for them") {
  PlatformConfig config = platform();
  const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                     ("corank_waves_" + std::to_string(getpid()) + ".fst");
  config.wave_file = file.string();
  const auto program = [](HostPort& host) { host.wait_interrupt(100); };
  CHECK_THROWS_WITH(run_platform(config, program), Contains("without waves"));
  CHECK_FALSE(std::filesystem::exists(file));
  config.machine_library = fake::machine(128, true);
  run_platform(config, program);
  std::ifstream waves(file, std::ios::binary);
  CHECK(waves.get() == 0);  // FST_BL_HDR: the block that an FST file begins with
  CHECK(std::filesystem::file_size(file) > 300);
  std::filesystem::remove(file);
}
