// A machine that computes something else: exit code 1, and what differs. The machine is built from
// a copy of the RTL in which one line is wrong.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <iterator>
#include <sstream>

#include "host/capture/capture.h"
#include "models/reference/bit_exact.h"
#include "tests/end_to_end/corank_program.h"
#include "tests/host/capture/small_capture.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

/// A copy of the RTL in which every other number is rounded down to BF16. Indices, which the device
/// stores as well, stay right.
void copy_broken_rtl(const std::string& to) {
  std::filesystem::copy(std::string(CORANK_SOURCE) + "/rtl", to,
                        std::filesystem::copy_options::recursive);
  const std::string path = to + "/arithmetic/fp32_pkg.sv";
  std::string text = content_of(path);
  const std::string right = "return a[31:16] + 16'(round_up);";
  const std::size_t at = text.find(right);
  REQUIRE(at != std::string::npos);
  text.replace(at, right.size(), "return a[31:16] + 16'(round_up && a[17]);");
  std::ofstream(path) << text;
}

std::uint32_t bits(const Tensor& tensor, std::int64_t index) {
  return tensor.dtype == DType::BF16 ? tensor.data<std::uint16_t>()[index]
                                     : tensor.data<std::uint32_t>()[index];
}

struct Difference {
  int count = 0;
  std::string first;  // as the program shows it
};

Difference difference(const Tensor& device, const Tensor& reference) {
  Difference found;
  const int digits = reference.dtype == DType::BF16 ? 4 : 8;
  for (std::int64_t i = element_count(reference.shape); i-- > 0;) {
    if (bits(device, i) == bits(reference, i)) continue;
    ++found.count;
    found.first =
        fmt::format("[{}, {}]: device {:0{}x}, reference {:0{}x}", i / reference.columns(),
                    i % reference.columns(), bits(device, i), digits, bits(reference, i), digits);
  }
  return found;
}

}  // namespace

TEST_CASE("a mismatch ends with exit code 1 and shows tensor, place and both values", "[program]") {
  const TemporaryFolder folder;
  copy_broken_rtl(folder.file("rtl"));
  const std::string path = folder.file("layer.safetensors"), out = folder.file("out");
  write_safetensors(path, small_capture());
  // The cache outlives the test: its keys hold the RTL's text.
  const ProgramResult result =
      run_small({"--set", "workload.capture=" + path, "--out", out},
                {{"CORANK_RTL_DIR", folder.file("rtl")}, {"CORANK_CACHE", BROKEN_MACHINE_CACHE}});
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 1);
  CHECK(result.err.empty());

  const Capture capture = read_capture(path);
  const TrainingProgram program = linear_layers({capture.layer});
  TensorMap reference = inputs_of(program, capture.inputs);
  run_bit_exact(program.graph, reference);
  const TensorMap device = read_safetensors(out + "/tensors.safetensors").tensors;

  const auto report = report_in(out);
  CHECK(report["right"] == false);
  CHECK(report["counter_mismatches"].empty());  // only values are wrong
  CHECK(report["comparisons"].size() == 10);
  int wrong = 0;
  for (const auto& comparison : report["comparisons"]) {
    const std::string value = comparison["tensor"];
    const std::string name = value.substr(0, value.find(".new"));
    INFO(value);
    const Difference expected = difference(device.at(name), reference.at(value));
    CHECK(comparison["mismatches"].get<int>() == expected.count);
    if (expected.count == 0) continue;
    ++wrong;
    CHECK(comparison["first_mismatch"] == expected.first);
    CHECK_THAT(result.out, Contains("MISMATCH " + value + expected.first + "\n"));
  }
  CHECK(wrong > 0);
}

TEST_CASE("a wrong result of a fine-tuning run is named too, and the adapter is the device's",
          "[program]") {
  const TemporaryFolder folder;
  copy_broken_rtl(folder.file("rtl"));
  const std::string model = std::string(CORANK_SOURCE) + "/tests/fixtures/hf/llama_ia3/";
  const std::string out = folder.file("out");
  const ProgramResult result =
      run_small({"--set",
                 "workload={model: " + model + "model, adapter: " + model +
                     "adapter, batches: " + model + "batches.safetensors}",
                 "--out", out},
                {{"CORANK_RTL_DIR", folder.file("rtl")}, {"CORANK_CACHE", BROKEN_MACHINE_CACHE}});
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 1);
  const auto report = report_in(out);
  CHECK(report["device"]["right"] == false);
  CHECK(report["device"]["counter_mismatches"].empty());
  for (const auto& comparison : report["device"]["comparisons"]) {
    const std::string tensor = comparison["tensor"];
    if (tensor.rfind("adapter", 0) != 0) continue;
    CHECK(comparison["mismatches"] > 0);
    CHECK_THAT(tensor, Contains("adapter, model.layers."));
    CHECK_THAT(result.out, Contains("MISMATCH " + tensor + " " +
                                    comparison["first_mismatch"].get<std::string>()));
  }
  CHECK(std::filesystem::exists(out + "/adapter/adapter_model.safetensors"));
}

TEST_CASE("corank verify finds a wrong machine, and its replay finds the same case", "[program]") {
  const TemporaryFolder folder;
  copy_broken_rtl(folder.file("rtl"));
  const std::map<std::string, std::string> environment = {{"CORANK_RTL_DIR", folder.file("rtl")},
                                                          {"CORANK_CACHE", BROKEN_MACHINE_CACHE}};
  std::vector<std::string> arguments = small_machine();
  arguments.insert(arguments.begin(), {"verify", kQuickstart});
  const ProgramResult result = run_corank(arguments, environment);
  INFO(result.out << result.err);
  CHECK(result.exit_code == 1);
  CHECK(result.err.empty());
  CHECK_THAT(result.out, Contains("the RTL is not as the reference and the commands say:") &&
                             Contains("elements differ, first [") && Contains("WRONG: 4x4"));

  const std::string mark = "replay: corank ";
  const std::size_t at = result.out.find(mark);
  REQUIRE(at != std::string::npos);
  std::istringstream words(
      result.out.substr(at + mark.size(), result.out.find('\n', at) - at - mark.size()));
  const std::vector<std::string> replay{std::istream_iterator<std::string>(words), {}};
  const ProgramResult again = run_corank(replay, environment);
  CHECK(again.exit_code == 1);
  CHECK(again.out.substr(0, again.out.find("WRONG")) ==
        result.out.substr(0, result.out.find("WRONG")));
}
