// What a user can get wrong: exit code 2, one clear message, nothing half-written.
#include <algorithm>
#include <catch2/catch.hpp>

#include "host/formats/safetensors.h"
#include "tests/end_to_end/corank_program.h"
#include "tests/host/capture/small_capture.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

/// A folder as an earlier run left it.
class FinishedOut {
 public:
  FinishedOut() {
    folder_.write("out/report.json", "an earlier report");
    folder_.write("out/tensors.safetensors", "earlier tensors");
  }
  std::string path() const { return folder_.file("out"); }
  void check_untouched() const {
    CHECK(content_of(path() + "/report.json") == "an earlier report");
    CHECK(content_of(path() + "/tensors.safetensors") == "earlier tensors");
    CHECK(std::distance(std::filesystem::directory_iterator(path()), {}) == 2);
  }

 private:
  TemporaryFolder folder_;
};

/// Exit code 2 and one line on standard error that speaks of the user's input.
void check_refused(const ProgramResult& result) {
  INFO("stdout: " << result.out << "\nstderr: " << result.err);
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Catch::StartsWith("corank: ") && Catch::EndsWith("\n"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  for (const char* internal : {"exception", "assert", "what()", "terminate", "internal fault",
                               "std::", "runtime error", "Sanitizer"}) {
    CHECK_THAT(result.err, !Contains(internal, Catch::CaseSensitive::No));
  }
}

/// Runs `corank run` with these arguments twice, without and with files of an earlier run in --out.
/// Returns the message, without "corank: " and the end of the line.
std::string refusal(const std::vector<std::string>& arguments) {
  const TemporaryFolder empty;
  std::vector<std::string> all = arguments;
  all.insert(all.end(), {"--out", empty.file("out")});
  const ProgramResult result = run_small(all);
  check_refused(result);
  CHECK(empty.entries() == 0);  // not even the folder

  const FinishedOut finished;
  all.back() = finished.path();
  CHECK(run_small(all).exit_code == 2);
  finished.check_untouched();
  return result.err.size() < 9 ? "" : result.err.substr(8, result.err.size() - 9);
}

std::string refusal_of(const std::string& setting) { return refusal({"--set", setting}); }

/// Why a small capture is refused after a change.
template <class Change>
std::string refusal_of_capture(const Change& change) {
  SafetensorsFile file = small_capture();
  change(file);
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, file);
  const std::string message = refusal_of("workload.capture=" + path);
  CHECK_THAT(message, Catch::StartsWith(path + ": "));
  return message;
}

/// The parts that a schema takes of `other`, in their places.
nlohmann::json with_parts_of(nlohmann::json schema, const nlohmann::json& other) {
  const std::string beginning = "report.schema.json#";
  const auto reference = schema.is_object() ? schema.value("$ref", std::string()) : "";
  if (reference.rfind(beginning, 0) == 0)
    return other.at(nlohmann::json::json_pointer(reference.substr(beginning.size())));
  if (schema.is_structured())
    for (auto& part : schema) part = with_parts_of(part, other);
  return schema;
}

}  // namespace

TEST_CASE("a capture of the wrong shape is refused", "[program]") {
  CHECK_THAT(refusal_of_capture([](SafetensorsFile& file) {
               file.tensors["dy"] = Tensor(DType::BF16, {8, 24});
             }),
             Contains("tensor \"dy\": expected shape [9, 24]") && Contains("found [8, 24]"));
}

TEST_CASE("a capture without a tensor is refused", "[program]") {
  CHECK_THAT(refusal_of_capture([](SafetensorsFile& file) { file.tensors.erase("weight"); }),
             Contains("tensor \"weight\" is missing"));
}

TEST_CASE("a capture with r = 0 is refused", "[program]") {
  CHECK_THAT(refusal_of_capture([](SafetensorsFile& file) { file.metadata["r"] = "0"; }),
             Contains("metadata \"r\": expected a whole number of at least 1, found 0"));
}

TEST_CASE("a capture without rows is refused", "[program]") {
  CHECK_THAT(refusal_of_capture([](SafetensorsFile& file) {
               file.tensors["x"] = Tensor(DType::BF16, {0, 40});
               file.tensors["dy"] = Tensor(DType::BF16, {0, 24});
             }),
             Contains("tensor \"x\": expected at least one row and one column, found [0, 40]"));
}

TEST_CASE("a capture that cannot be read is refused", "[program]") {
  const TemporaryFolder folder;
  const std::string missing = folder.file("missing.safetensors");
  CHECK(refusal_of("workload.capture=" + missing) ==
        missing + ": cannot be read: No such file or directory");
  const std::string whole = content_of(fixture("minilm_value_small"));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{300}, whole.size() - 1}) {
    const std::string path = folder.write("truncated.safetensors", whole.substr(0, size));
    INFO("truncated to " << size << " bytes");
    CHECK_THAT(refusal_of("workload.capture=" + path), Catch::StartsWith(path + ": "));
  }
  CHECK_THAT(refusal_of("workload.capture=" + folder.file("")), Contains("directory"));
}

TEST_CASE("a configuration that cannot be read is refused by its path", "[program]") {
  const TemporaryFolder folder;
  const ProgramResult result =
      run_corank({"run", folder.file("missing.yaml"), "--out", folder.file("out")});
  check_refused(result);
  CHECK(result.err ==
        "corank: " + folder.file("missing.yaml") + ": cannot be read: No such file or directory\n");
  CHECK(folder.entries() == 0);
}

TEST_CASE("a mistake in the configuration is shown with file, line and column", "[program]") {
  const TemporaryFolder folder;
  const auto refusal_of_yaml = [&](const std::string& text) {
    const std::string path = folder.write("a.yaml", text);
    const ProgramResult result = run_corank({"run", path, "--out", folder.file("out")});
    check_refused(result);
    CHECK_THAT(result.err, Catch::StartsWith("corank: " + path + ":"));
    CHECK_FALSE(std::filesystem::exists(folder.file("out")));
    return result.err.substr(std::min(result.err.size(), path.size() + 8));
  };
  CHECK_THAT(refusal_of_yaml("accelerator:\n  array: {rows: 8, colums: 8}\n"),
             Catch::StartsWith(":2:20: unknown key 'colums' in accelerator.array; did you mean "
                               "'columns'?"));
  CHECK_THAT(refusal_of_yaml("accelerator:\n  array: {rows: eight}\n"),
             Catch::StartsWith(":2:17: accelerator.array.rows: expected an integer, 1..32, found"));
  CHECK_THAT(refusal_of_yaml("accelerator: [1, 2\n"), Catch::StartsWith(":"));
  CHECK_THAT(refusal_of_yaml("name: nothing to run\n"),
             Contains("workload.capture is missing: the captured layer to run"));
}

TEST_CASE("a setting on the command line that is wrong is shown as it was given", "[program]") {
  CHECK_THAT(refusal_of("accelerator.array.rows=33"),
             Contains("--set accelerator.array.rows=33") && Contains("1..32"));
  CHECK_THAT(refusal_of("accelerator.array.rows=four"), Contains("expected an integer"));
  CHECK_THAT(refusal_of("accelerator.arrays.rows=4"), Contains("unknown key 'arrays'"));
  CHECK_THAT(refusal_of("nonsense"), Contains("expected path.to.key=value"));
  CHECK_THAT(refusal_of("=4"), Contains("expected path.to.key=value"));
  CHECK_THAT(refusal_of("memory=/nowhere/memory.yaml"), Contains("cannot be read"));
}

TEST_CASE("a local memory that is too small is refused with what it would need", "[program]") {
  CHECK_THAT(refusal_of("accelerator.scratchpad.kib=1"),
             Contains("accelerator.scratchpad.kib") && Contains("lines"));
  CHECK_THAT(refusal_of("accelerator.accumulator.kib=1"),
             Contains("accelerator.accumulator.kib") && Contains("lines"));
  CHECK_THAT(refusal_of("compiler.scratchpad_kib=1"),
             Catch::StartsWith("--set compiler.scratchpad_kib=1: ") && Contains("lines"));
  CHECK_THAT(refusal_of("compiler.scratchpad_kib=65"), Contains("at most the machine's 64 KiB"));
}

TEST_CASE("a device memory that is too small is refused with what the step needs", "[program]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("layer.safetensors");
  write_safetensors(path, small_capture({1, 1024, 1024, 1, 1}));  // the weight alone: 2 MiB
  CHECK_THAT(
      refusal({"--set", "workload.capture=" + path, "--set", "memory.size_mib=1"}),
      Catch::Matches("--set memory.size_mib=1: the step needs at least 2[0-9]{6} bytes of device "
                     "memory .*; memory.size_mib gives 1048576 bytes; by their shapes alone: "
                     "frozen 2101248, adapter 8192, optimizer 16384, .*"));
}

TEST_CASE("sizes that fit no memory are refused before anything of that size is made",
          "[program]") {
  const auto shapes = [](const std::string& layer, const std::string& more) {
    return "workload={shapes: {tokens: 512, layers: [{" + layer + "}]" + more + "}}";
  };
  const auto refusal_with = [&](const std::string& workload, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--fidelity", "cycle", "--set", workload};
    for (const std::string& setting : more) {
      arguments.push_back("--set");
      arguments.push_back(setting);
    }
    return refusal(arguments);
  };
  const std::string wide = shapes("in: 262144, out: 262144, rank: 16", "");
  // The weight is 2 x 2^36 bytes, each of x, dy, y and dx 2^28, and so on.
  CHECK_THAT(refusal_with(wide, {"values=off", "memory.size_mib=1024"}),
             Catch::Matches("--set memory.size_mib=1024: the step needs at least 138[0-9]{9} bytes "
                            "of device memory for its values; memory.size_mib gives 1073741824 "
                            "bytes"));
  // More than 64 bits can count.
  CHECK_THAT(refusal_with(shapes("in: 16777215, out: 16777215, rank: 4096, repeat: 65536",
                                 ", repeat: 65536"),
                          {"values=off"}),
             Contains("bytes of device memory"));
  // Small enough for a device, but not for this computer.
  const std::vector<std::string> large = {"memory.size_mib=1048576"};
  CHECK_THAT(refusal_with(shapes("in: 400000, out: 400000, rank: 1", ""), large),
             Contains("values: on: the step's tensors need at least") &&
                 Contains("bytes of this computer's memory"));
  CHECK_THAT(refusal_with(shapes("in: 1, out: 1, rank: 0, repeat: 65536", ", repeat: 65536"),
                          {"values=off", "memory.size_mib=1048576"}),
             Contains("bytes of device memory"));
}

TEST_CASE("an --out that cannot be a folder is refused before the simulation", "[program]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "mine");
  for (const std::string& out : {file, file + "/below"}) {
    const ProgramResult result = run_small({"--out", out});
    check_refused(result);
    CHECK(result.err ==
          "corank: --out " + out + ": expected a folder, but " + file + " is a file\n");
  }
  CHECK(content_of(file) == "mine");
  CHECK(folder.entries() == 1);

  // A folder stands where a file must go.
  std::filesystem::create_directories(folder.file("out/report.json"));
  const ProgramResult result = run_small({"--out", folder.file("out")});
  check_refused(result);
  CHECK_THAT(result.err, Contains("report.json is a folder"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.file("out")), {}) == 1);
}

TEST_CASE("what needs a simulation is refused without one", "[program]") {
  CHECK_THAT(refusal({"--fidelity", "analytic", "--waves", "a.fst"}),
             Catch::StartsWith("--waves: --fidelity analytic has no signals"));
  CHECK_THAT(refusal({"--fidelity", "analytic", "--trace", "a.json"}),
             Catch::StartsWith("--trace: --fidelity analytic simulates no event"));
}

TEST_CASE("a command line that is wrong ends with exit code 2 and says why", "[program]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
      {{}, "subcommand is required"},
      {{"dance"}, "no subcommand 'dance'"},
      {{"--dance"}, "no subcommand '--dance'"},
      {{"run"}, "config"},
      {{"run", kQuickstart, "--colour", "red"}, "--colour"},
      {{"run", kQuickstart, "--fidelity", "perfect"}, "perfect"},
      {{"run", kQuickstart, "--set"}, "--set"},
      {{"run", kQuickstart, "--out"}, "--out"}};
  for (const auto& [line, what] : lines) {
    INFO(Catch::StringMaker<std::vector<std::string>>::convert(line));
    const ProgramResult result = run_corank(line);
    check_refused(result);
    CHECK_THAT(result.err, Contains(what));
  }
}

TEST_CASE("help and schema go to standard output, with exit code 0", "[program]") {
  const ProgramResult help = run_corank({"--help"});
  CHECK(help.exit_code == 0);
  CHECK_THAT(help.out, Contains("run"));
  const ProgramResult schema = run_corank({"schema"});
  CHECK(schema.exit_code == 0);
  CHECK_THAT(schema.out, Contains("accelerator.array.rows") && Contains("workload.capture"));
  const std::string folder = std::string(CORANK_SOURCE) + "/host/report/";
  std::string expected = content_of(folder + "report.schema.json");
  const std::string counters = R"({"$ref": "counters.schema.json"})";
  const std::string inner = content_of(folder + "counters.schema.json");
  expected.replace(expected.find(counters), counters.size(),
                   inner.substr(0, inner.size() - 1));  // no line end
  const ProgramResult report = run_corank({"schema", "report"});
  CHECK(report.exit_code == 0);
  CHECK(report.out == expected);
  // The other one has parts of it.
  const ProgramResult finetune = run_corank({"schema", "finetune_report"});
  CHECK(finetune.exit_code == 0);
  CHECK(nlohmann::json::parse(finetune.out) ==
        with_parts_of(nlohmann::json::parse(content_of(folder + "finetune_report.schema.json")),
                      nlohmann::json::parse(expected)));
  const ProgramResult analytic = run_corank({"schema", "analytic_report"});
  CHECK(analytic.exit_code == 0);
  CHECK(nlohmann::json::parse(analytic.out) ==
        with_parts_of(nlohmann::json::parse(content_of(folder + "analytic_report.schema.json")),
                      nlohmann::json::parse(expected)));
}

TEST_CASE("a folder whose name is not UTF-8 does not spoil the report", "[program]") {
  const TemporaryFolder folder;
  const std::string config = folder.write("in-\xff/a.yaml",
                                          "accelerator:\n"
                                          "  array: {rows: 4, columns: 4}\n"
                                          "  vector: {lanes: 4}\n"
                                          "  axi: {data_bits: 64}\n"
                                          "workload: {capture: layer.safetensors}\n");
  write_safetensors(folder.file("in-\xff/layer.safetensors"), small_capture());
  const std::string out = folder.file("out-\xff");
  const ProgramResult result = run_corank({"run", config, "--out", out});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(report_in(out)["right"] == true);
}
