#include "host/driver/driver.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Contains;

namespace {

struct Begun {};  // the driver took the device for its machine

/// A device of a shape, of which nothing but its registers can be looked at.
class Described : public HostPort {
 public:
  explicit Described(const MachineShape& shape) : shape_(shape) {}

  std::uint32_t read_register(std::uint32_t offset) override {
    const auto built = std::find_if(kMachineRegisters.begin(), kMachineRegisters.end(),
                                    [&](const auto& one) { return one.offset == offset; });
    REQUIRE(built != kMachineRegisters.end());
    return built->value(shape_);
  }
  void write_register(std::uint32_t, std::uint32_t) override { throw Begun(); }
  void write_memory(std::uint64_t, const std::vector<std::uint8_t>&) override { throw Begun(); }
  void write_nothing(std::uint64_t, std::size_t) override { throw Begun(); }
  std::vector<std::uint8_t> read_memory(std::uint64_t, std::size_t) override { throw Begun(); }
  void flush() override { throw Begun(); }
  bool wait_interrupt(std::int64_t) override { throw Begun(); }
  void take_snapshot() override {}
  bool memory_at_work() const override { return false; }
  std::uint64_t memory_answers() const override { return 0; }
  double now_ns() const override { return 0; }
  std::int64_t cycles() const override { return 0; }

 private:
  MachineShape shape_;
};

/// Runs an empty step that was compiled for the default machine.
void begin_on(const MachineShape& shape) {
  Described device(shape);
  run_step(device, {}, {}, {}, {}, {});
}

}  // namespace

TEST_CASE("the driver takes the machine that the step was compiled for", "[driver]") {
  CHECK_THROWS_AS(begin_on({}), Begun);
}

TEST_CASE("a device on which the step's programs would not run is refused", "[driver]") {
  for (const MachineParameter& parameter : kMachineParameters) {
    INFO(parameter.name);
    MachineShape other;
    other.*parameter.value *= 2;
    const bool matters = std::any_of(
        kMachineRegisters.begin(), kMachineRegisters.end(), [&](const MachineRegister& built) {
          return built.in_programs && built.value(other) != built.value({});
        });
    if (matters)
      CHECK_THAT(message_of<MachineError>([&] { begin_on(other); }),
                 Contains("the device's register ") && Contains(", expected 0x"));
    else
      CHECK_THROWS_AS(begin_on(other), Begun);
  }
  MachineShape narrow;
  narrow.array_rows = 4;
  CHECK(message_of<MachineError>([&] { begin_on(narrow); }) ==
        "the device's register array_shape reads 0x00080004, expected 0x00080008");
}
