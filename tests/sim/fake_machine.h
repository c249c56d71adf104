// The tests' own accelerator: its registers (fake_machine/fake_accelerator.sv) and how to build it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "sim/machine/build.h"

namespace fake {

constexpr std::uint32_t kSource = 0x00;
constexpr std::uint32_t kDestination = 0x04;
constexpr std::uint32_t kBeats = 0x08;
constexpr std::uint32_t kBursts = 0x0C;
constexpr std::uint32_t kStart = 0x10;
constexpr std::uint32_t kStatus = 0x14;
constexpr std::uint32_t kMode = 0x18;
constexpr std::uint32_t kStrobe = 0x1C;
constexpr std::uint32_t kReadWait = 0x20;
constexpr std::uint32_t kWriteWait = 0x24;
constexpr std::uint32_t kDataTime = 0x28;
constexpr std::uint32_t kCounter = 0x2C;
constexpr std::uint32_t kMostInFlight = 0x30;

constexpr std::uint32_t kDone = 0x1;
constexpr std::uint32_t kReadFailed = 0x2;
constexpr std::uint32_t kWriteFailed = 0x4;
constexpr std::uint32_t kSlverr = 2 << 4;
constexpr std::uint32_t kDecerr = 3 << 4;

enum Mode : std::uint32_t {
  kArvalidFalls = 1,
  kNoWlast = 2,
  kUnknownArid = 3,
  kAssertionFails = 4,
  kNoAnswer = 5,
  kAwaddrChanges = 6,
  kStoreAfterLoad = 7,
};

/// Built once, kept in the build tree between runs of the tests.
inline std::string machine(int axi_data_bits = 128, bool waves = false) {
  setenv("CORANK_RTL_DIR", FAKE_MACHINE_DIR, 1);
  corank::MachineShape shape;
  shape.axi_data_bits = axi_data_bits;
  corank::MachineBuildOptions options;
  options.cache_directory = TEST_MACHINE_CACHE;
  options.waves = waves;
  return corank::machine_library(shape, options);
}

}  // namespace fake
