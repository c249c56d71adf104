#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "fake_machine.h"
#include "models/base/error.h"
#include "sim/machine/build.h"
#include "sim/machine/machine.h"

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

namespace {

// A directory of this process's own, with RTL that may be spoilt.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("corank_machine_" + std::to_string(getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
    fs::copy(FAKE_MACHINE_DIR, path_ / "rtl");
    setenv("CORANK_RTL_DIR", (path_ / "rtl").c_str(), 1);
    options.cache_directory = (path_ / "cache").string();
    options.quiet = true;
  }
  ~Scratch() { fs::remove_all(path_); }

  const fs::path& path() const { return path_; }
  corank::MachineBuildOptions options;

 private:
  fs::path path_;
};

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("two processes that want one machine build it once") {
  Scratch scratch;
  // A make that says so.
  const fs::path bin = scratch.path() / "bin";
  const fs::path calls = scratch.path() / "calls";
  fs::create_directories(bin);
  std::ofstream(bin / "make") << "#!/bin/sh\necho called >> " << calls.string()
                              << "\nPATH=${PATH#*:}\nexec make \"$@\"\n";
  chmod((bin / "make").c_str(), 0755);
  const std::string path = std::getenv("PATH");
  setenv("PATH", (bin.string() + ":" + path).c_str(), 1);

  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    if (child == 0) {
      try {
        const corank::Machine machine(corank::machine_library({}, scratch.options));
        _exit(0);
      } catch (const std::exception&) {
        _exit(1);
      }
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  setenv("PATH", path.c_str(), 1);
  CHECK(text_of(calls) == "called\n");

  SECTION("and the next one finds it; anything else that makes a machine is another") {
    const fs::path library = corank::machine_library({}, scratch.options);
    CHECK(library.parent_path() == scratch.options.cache_directory);
    CHECK(fs::exists(library));
    // Only the library, its checksum and its lock are left.
    CHECK(std::distance(fs::directory_iterator(library.parent_path()), {}) == 3);

    // Without tools nothing can be built, so what is returned was there; the key of what is not,
    // differs.
    std::ofstream(scratch.path() / "rtl" / "fake_accelerator.sv", std::ios::app) << "// changed\n";
    std::ofstream(bin / "make") << "#!/bin/sh\nexit 1\n";
    setenv("PATH", (bin.string() + ":" + path).c_str(), 1);
    CHECK_THROWS_AS(corank::machine_library({}, scratch.options), corank::MachineError);
    fs::copy_file(fs::path(FAKE_MACHINE_DIR) / "fake_accelerator.sv",
                  scratch.path() / "rtl" / "fake_accelerator.sv",
                  fs::copy_options::overwrite_existing);
    CHECK(corank::machine_library({}, scratch.options) == library);
    corank::MachineShape other;
    other.queue_depth = 5;
    CHECK_THROWS_AS(corank::machine_library(other, scratch.options), corank::MachineError);
    setenv("PATH", path.c_str(), 1);
  }
}

TEST_CASE("a tool that fails is reported with its words and its log") {
  const Scratch scratch;
  std::ofstream(scratch.path() / "rtl" / "fake_accelerator.sv") << "module corank_simulation\n";
  CHECK_THROWS_WITH(corank::machine_library({}, scratch.options),
                    Contains("verilator failed") && Contains("syntax error") && Contains(".log"));
  std::ofstream(scratch.path() / "rtl" / "files.f") << "missing.sv\n";
  CHECK_THROWS_WITH(corank::machine_library({}, scratch.options), Contains("missing.sv"));
}

TEST_CASE("a shape that the RTL refuses is no machine") {
  const Scratch scratch;
  const fs::path source = scratch.path() / "rtl" / "fake_accelerator.sv";
  std::string text = text_of(source);
  const std::size_t end = text.rfind("endmodule");
  REQUIRE(end != std::string::npos);
  text.insert(end, "if (QueueDepth == 4) begin : gen_bad\n  $error(\"no such depth\");\nend\n");
  std::ofstream(source) << text;
  corank::MachineShape shape;
  CHECK_THROWS_WITH(corank::machine_library(shape, scratch.options),
                    Contains("verilator failed") && Contains("no such depth"));
  shape.queue_depth = 5;
  CHECK_NOTHROW(corank::machine_library(shape, scratch.options));
}

TEST_CASE("what is not a machine is refused") {
  CHECK_THROWS_AS(corank::Machine("/nowhere/machine.so"), corank::MachineError);
  CHECK_THROWS_WITH(corank::Machine("libm.so.6"), Contains("corank_machine_version"));
}

TEST_CASE("machines of one library live and end independently") {
  const std::string library = fake::machine();
  // A write to the register at offset 0, in one cycle; then a read of it, from the cycle after.
  const auto write = [](corank::Machine& machine, std::uint32_t value) {
    corank::MachinePins pins{};
    pins.s_axil_awvalid = true;
    pins.s_axil_wvalid = true;
    pins.s_axil_bready = true;
    pins.s_axil_wdata = value;
    machine.clock(pins);
    CHECK(pins.s_axil_awready);
  };
  const auto read = [](corank::Machine& machine) {
    corank::MachinePins pins{};
    pins.s_axil_bready = true;
    pins.s_axil_arvalid = true;
    machine.clock(pins);
    CHECK(pins.s_axil_arready);
    pins.s_axil_arvalid = false;
    machine.clock(pins);
    CHECK(pins.s_axil_rvalid);
    return pins.s_axil_rdata;
  };
  auto first = std::make_unique<corank::Machine>(library);
  auto second = std::make_unique<corank::Machine>(library);
  write(*first, 1);
  write(*second, 2);
  auto third = std::make_unique<corank::Machine>(library);
  CHECK(read(*first) == 1);
  first.reset();
  CHECK(read(*second) == 2);
  third.reset();
  second.reset();
  corank::Machine fourth(library);
  CHECK(read(fourth) == 0);
}
