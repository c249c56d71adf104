// A DRAM in the configuration: what is read, and what is refused where.
#include <catch2/catch.hpp>
#include <string>

#include "host/config/config.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

const std::string kConfigs = CORANK_CONFIGS;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// Why a memory file is refused, from its name on; the device is DDR4-2400 with one replacement.
std::string refusal(const std::string& memory, const std::string& from = "",
                    const std::string& to = "") {
  const TemporaryFolder folder;
  std::string device = content_of(kConfigs + "/dram/ddr4-2400.yaml");
  if (!from.empty()) device = replaced(device, from, to);
  folder.write("device.yaml", device);
  folder.write("memory.yaml", memory);
  const std::string path = folder.write("a.yaml", "memory: memory.yaml\n");
  const std::string message = message_of<InputError>([&] { load_config(path, {}); });
  const std::string prefix = folder.file("");
  return message.compare(0, prefix.size(), prefix) == 0 ? message.substr(prefix.size()) : message;
}

}  // namespace

TEST_CASE("every memory file of configs is a configuration") {
  struct Expected {
    const char* name;
    double peak;
    std::int64_t mib;
  };
  const Expected expected =
      GENERATE(Expected{"ddr4-2400", 19.21, 8192}, Expected{"ddr4-3200", 25.6, 8192},
               Expected{"lpddr4-3200", 25.6, 4096}, Expected{"lpddr5-6400", 51.2, 4096},
               Expected{"hbm2", 256, 8192});
  INFO(expected.name);
  const TemporaryFolder folder;
  const Config config = load_config(
      folder.write("a.yaml", "memory: " + kConfigs + "/memory/" + expected.name + ".yaml\n"), {});
  CHECK(config.memory.kind == MemoryKind::kDram);
  CHECK(config.memory.bandwidth_gb_per_s == Approx(expected.peak).epsilon(1e-3));
  CHECK(config.memory.size_mib == expected.mib);
  CHECK_FALSE(config.memory.dram.device.source.empty());
}

TEST_CASE("a DRAM can be changed from the command line") {
  const TemporaryFolder folder;
  const Config config =
      load_config(folder.write("a.yaml", "memory: " + kConfigs + "/memory/ddr4-2400.yaml\n"),
                  {"memory.channels=2", "memory.address_map=row bank column channel group",
                   "memory.device=" + kConfigs + "/dram/ddr4-3200.yaml", "memory.queues.read=64"});
  CHECK(config.memory.dram.channels == 2);
  CHECK(config.memory.dram.device.timing.CL == 22);
  CHECK(config.memory.dram.controller.read_queue == 64);
  CHECK(config.memory.bandwidth_gb_per_s == Approx(51.2));
}

TEST_CASE("a wrong DRAM is refused at the place that is wrong") {
  const std::string good = "kind: dram\ndevice: device.yaml\n";
  CHECK(refusal(good) == "");
  SECTION("unknown device") {
    CHECK_THAT(refusal("kind: dram\ndevice: ddr9.yaml\n"),
               StartsWith("memory.yaml:2:9: ") && Contains("ddr9.yaml' cannot be read"));
  }
  SECTION("no device") {
    CHECK_THAT(refusal("kind: dram\n"), Contains("the key 'device' is missing"));
  }
  SECTION("no channels") {
    CHECK(refusal(good + "channels: 0\n") ==
          "memory.yaml:3:11: memory.channels: expected an integer, 1..64, found '0'");
  }
  SECTION("a map without a bank group") {
    CHECK(
        refusal(good + "address_map: row bank column\n") ==
        "memory.yaml:3:14: memory.address_map: expected 2 bits of 'group' for 4 of them, found 0");
  }
  SECTION("tRC shorter than tRAS + tRP") {
    CHECK_THAT(
        refusal(good, "tRC: 56 ", "tRC: 55 "),
        StartsWith("device.yaml:") &&
            EndsWith(":8: memory.device.timing.tRC: expected at least tRAS + tRP = 56, found 55"));
  }
  SECTION("a refresh that takes longer than its interval") {
    CHECK_THAT(refusal(good, "tREFI: 9363", "tREFI: 430"), Contains("memory.device.timing.tREFI"));
  }
  SECTION("tFAW below tRRD_S") {
    CHECK_THAT(refusal(good, "tFAW: 26", "tFAW: 3"), Contains("memory.device.timing.tFAW"));
  }
  SECTION("bursts that overlap") {
    CHECK_THAT(refusal(good, "tCCD_S: 4", "tCCD_S: 3"), Contains("memory.device.timing.tCCD_S"));
  }
  SECTION("a write that meets the read before it") {
    CHECK_THAT(refusal(good, "tRTW: 11", "tRTW: 8"), Contains("CL + burst - CWL = 9, found 8"));
  }
  SECTION("a current below standby") {
    CHECK_THAT(refusal(good, "IDD4R: 135", "IDD4R: 13"), Contains("memory.device.currents.IDD4R"));
  }
  const std::string access = "access: {pj_per_bit: 9, span: [6, 12], source: s, quality: scaled}";
  SECTION("a figure a bit beside the currents") {
    CHECK_THAT(refusal(good, "io_pj_per_bit: 3.66", access),
               Contains("memory.device.access: expected no figure where the currents are given"));
  }
  SECTION("the interface's figure beside one that includes it") {
    CHECK_THAT(refusal(good, "currents: {", access + "\n# {"),
               Contains("memory.device.io_pj_per_bit: expected none beside access"));
  }
  SECTION("a figure a bit outside of its span") {
    CHECK_THAT(refusal(good, "io_pj_per_bit: 3.66",
                       "access: {pj_per_bit: 0, span: [6, 12], source: s, quality: scaled}"),
               EndsWith("memory.device.access.span: expected one that contains pj_per_bit = 0, "
                        "found [6, 12]"));
  }
  SECTION("a timing parameter that is missing") {
    CHECK_THAT(refusal(good, "  tWR: 18", "  #"), Contains("the key 'tWR' is missing"));
  }
  SECTION("rows that are no power of two") {
    CHECK_THAT(refusal(good, "rows: 65536", "rows: 65535"), Contains("a power of two"));
  }
  SECTION("watermarks") {
    CHECK(refusal(good + "queues: {drain_high: 32}\n") ==
          "memory.yaml:3:22: memory.queues.drain_high: expected less than the write queue's 32, "
          "found 32");
    CHECK_THAT(refusal(good + "queues: {drain_low: 26}\n"), StartsWith("memory.yaml:3:21: "));
  }
  SECTION("keys of the other kind") {
    CHECK(refusal(good + "latency_ns: 3\n") ==
          "memory.yaml:3:13: memory.latency_ns: belongs to kind fixed-latency, but memory.kind is "
          "dram");
    CHECK_THAT(refusal("kind: fixed-latency\nchannels: 2\n"),
               StartsWith("memory.yaml:2:11: memory.channels: belongs to kind dram"));
  }
}
