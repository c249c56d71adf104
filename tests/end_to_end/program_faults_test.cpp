// Faults of the machine that a configuration can bring about: exit code 3.
#include <catch2/catch.hpp>

#include "tests/end_to_end/corank_program.h"
#include "tests/host/capture/small_capture.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

std::string fault_of(const std::vector<std::string>& settings) {
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, small_capture());
  std::vector<std::string> arguments = {"--set", "workload.capture=" + path, "--out",
                                        folder.file("out")};
  for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  const ProgramResult result = run_small(arguments);
  INFO(result.out << result.err);
  CHECK(result.exit_code == 3);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Catch::StartsWith("corank: "));
  CHECK_THAT(result.err, !Contains("internal fault"));
  CHECK_FALSE(std::filesystem::exists(folder.file("out")));
  return result.err;
}

}  // namespace

TEST_CASE("an error response of the memory ends with exit code 3", "[program]") {
  CHECK_THAT(fault_of({"verification.faults.read_error=1"}),
             Contains("the device stopped: fetch_error") &&
                 Contains("in the command unit at command 0 (load)"));
  CHECK_THAT(
      fault_of({"verification.faults.write_error=2"}),
      Contains("the device stopped: write_error") && Contains("in the store unit at command"));
}

TEST_CASE("a memory that never answers ends with exit code 3 and the state of the units",
          "[program]") {
  const std::string message =
      fault_of({"verification.faults.silent_read=5", "watchdog_cycles=3000"});
  CHECK_THAT(message, Contains("the device made no progress for 3000 cycles") &&
                          Contains("\n  command ") && Contains("\n  load ") &&
                          Contains("\n  array ") && Contains("\n  vector ") &&
                          Contains("\n  store "));
}

TEST_CASE("a memory whose answers take longer than the watchdog waits is no standstill",
          "[program]") {
  // Times at which the driver looked when the memory had just answered, and nothing else was open.
  const std::vector<std::string> shared = {"--fidelity", "cycle", "--set", "values=off"};
  const std::vector<std::vector<std::string>> slow = {
      {"--set",
       "accelerator={array: {rows: 4, columns: 19}, vector: {lanes: 4}, axi: {data_bits: 64, "
       "outstanding: 1, burst_beats: 55}, queue_depth: 1}",
       "--set", "compiler.block.depth=7", "--set",
       "link={bandwidth_gb_per_s: 18523.9, latency_ns: 49352.2}", "--set",
       "memory={latency_ns: 1000000, bandwidth_gb_per_s: 1140.1, size_mib: 64}", "--set",
       "workload={shapes: {tokens: 1, layers: [{in: 8, out: 10, rank: 12, bias: true}]}}"},
      {"--set",
       "accelerator={array: {rows: 7, columns: 23}, vector: {lanes: 4}, axi: {data_bits: 64, "
       "burst_beats: 4}, clock_mhz: 5015.33, accumulator: {banks: 8}, scratchpad: {banks: 32}}",
       "--set", "compiler={accumulator_kib: 16, scratchpad_kib: 54}", "--set",
       "memory={latency_ns: 219109, bandwidth_gb_per_s: 24.2446, size_mib: 64}", "--set",
       "workload={shapes: {tokens: 3, layers: [{in: 9, out: 9, rank: 9, bias: true}]}}"}};
  for (const std::vector<std::string>& settings : slow) {
    std::vector<std::string> arguments = {"run", kQuickstart};
    arguments.insert(arguments.end(), shared.begin(), shared.end());
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    const ProgramResult result = run_corank(arguments);
    INFO(result.err);
    CHECK(result.exit_code == 0);
  }
}

TEST_CASE("a machine that cannot be built ends with exit code 3 and the tool's words",
          "[program]") {
  const TemporaryFolder folder;
  std::filesystem::copy(std::string(CORANK_SOURCE) + "/rtl", folder.file("rtl"),
                        std::filesystem::copy_options::recursive);
  folder.write("rtl/dma/store_unit.sv", "module store_unit; nonsense endmodule\n");
  const ProgramResult result =
      run_small({"--out", folder.file("out")},
                {{"CORANK_RTL_DIR", folder.file("rtl")}, {"CORANK_CACHE", folder.file("cache")}});
  CHECK(result.exit_code == 3);
  CHECK_THAT(result.err,
             Catch::StartsWith("corank: verilator failed while the machine was built") &&
                 Contains("store_unit.sv"));
  CHECK_FALSE(std::filesystem::exists(folder.file("out")));
}
