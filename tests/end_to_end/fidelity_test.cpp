// The cycle model as a user meets it: the same report, the same trace, much sooner.
#include <catch2/catch.hpp>
#include <filesystem>

#include "host/run/lockstep.h"
#include "host/run/run.h"
#include "tests/end_to_end/corank_program.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;
using Json = nlohmann::json;

namespace {

// Two layers given by sizes on the small machine, with more arguments.
ProgramResult run_layers(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"run", kQuickstart};
  for (const std::string& part : small_machine()) arguments.push_back(part);
  arguments.insert(arguments.end(),
                   {"--set",
                    "workload={shapes: {tokens: 9, layers: [{name: a, in: 24, out: 16, rank: 3}, "
                    "{name: b, in: 16, out: 40, rank: 2, bias: true}]}}"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_corank(arguments);
}

Json report_of(const std::string& folder) {
  return Json::parse(content_of(folder + "/report.json"));
}

// Without what tells the fidelities apart.
Json comparable(Json report) {
  report.erase("fidelity");
  report.erase("simulation");
  return report;
}

}  // namespace

TEST_CASE("rtl and cycle write the same report, results and trace", "[program]") {
  for (const std::string weights : {"resident", "streamed"}) {
    const TemporaryFolder folder;
    for (const std::string fidelity : {"rtl", "cycle"}) {
      const ProgramResult result =
          run_layers({"--fidelity", fidelity, "--set", "workload.weights=" + weights, "--out",
                      folder.file(fidelity), "--trace", folder.file(fidelity + ".json")});
      INFO(result.err);
      REQUIRE(result.exit_code == 0);
    }
    CHECK(comparable(report_of(folder.file("rtl"))) == comparable(report_of(folder.file("cycle"))));
    CHECK(content_of(folder.file("rtl/tensors.safetensors")) ==
          content_of(folder.file("cycle/tensors.safetensors")));
    const std::string trace = content_of(folder.file("rtl.json"));
    CHECK(trace == content_of(folder.file("cycle.json")));
    const Json report = report_of(folder.file("rtl"));
    int commands = 0;
    const Json document = Json::parse(trace);
    for (const Json& event : document["traceEvents"])
      commands += event.contains("args") && event["args"].contains("issue_cycle");
    CHECK(commands == report["commands_completed"]);
    CHECK(commands == report["commands"].get<int>() - 1);
  }
}

TEST_CASE("without values the time is the same and nothing is written but the report",
          "[program]") {
  const TemporaryFolder folder;
  REQUIRE(run_layers({"--fidelity", "cycle", "--out", folder.file("on")}).exit_code == 0);
  REQUIRE(run_layers({"--fidelity", "cycle", "--set", "values=off", "--out", folder.file("off")})
              .exit_code == 0);
  const Json on = report_of(folder.file("on")), off = report_of(folder.file("off"));
  CHECK(on["counters"] == off["counters"]);
  CHECK(on["latency"] == off["latency"]);
  CHECK(on["phases"] == off["phases"]);
  CHECK(on["values"] == true);
  CHECK(off["values"] == false);
  CHECK(off["comparisons"].empty());
  CHECK_FALSE(std::filesystem::exists(folder.file("off/tensors.safetensors")));
  const ProgramResult refused = run_layers({"--set", "values=off"});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("values: off needs --fidelity cycle"));
  const ProgramResult both = run_layers({"--fidelity", "both", "--set", "values=off"});
  CHECK(both.exit_code == 2);
  CHECK_THAT(both.err, Contains("values: off needs --fidelity cycle"));
}

TEST_CASE("--fidelity both says that the two are equal, with stalls and streamed weights too",
          "[program]") {
  const ProgramResult result =
      run_layers({"--fidelity", "both", "--set", "verification.stalls.percent=30", "--set",
                  "workload.weights=streamed"});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Contains("rtl and cycle are equal: ") && Contains("AXI transactions") &&
                             Contains(" commands, every two that touch the same lines, memory or "
                                      "port are ordered by tokens"));
  // With a DRAM its statistics are among the figures that are compared.
  const auto figures = [](const ProgramResult& run) {
    const std::string mark = " counters, ";
    const std::size_t at = run.out.find(mark);
    REQUIRE(at != std::string::npos);
    return std::stoi(run.out.substr(at + mark.size()));
  };
  const ProgramResult dram = run_layers(
      {"--fidelity", "both", "--set", "memory=" CORANK_SOURCE "/configs/memory/hbm2.yaml"});
  CHECK(dram.exit_code == 0);
  CHECK(figures(dram) > figures(result));
  // A fault hits both alike, and is reported as a single run reports it.
  const ProgramResult fault =
      run_layers({"--fidelity", "both", "--set", "verification.faults.read_error=9"});
  CHECK(fault.exit_code == 3);
  CHECK_THAT(fault.err, Contains("the device stopped: "));
}

TEST_CASE("commands that tokens do not order are a mismatch, whatever rtl and cycle do",
          "[program]") {
  LockstepResult result;
  CHECK(result.right());
  result.disorder = "the tokens do not order the commands:\ncommand 1 and command 2\n";
  CHECK_FALSE(result.right());
  CHECK(to_text(result) == "MISMATCH: " + result.disorder);
}

TEST_CASE("a run that is stopped ends in order, with a report that says so", "[program]") {
  const TemporaryFolder folder;
  Config config =
      load_config(kQuickstart, {"accelerator.array={rows: 4, columns: 4}",
                                "accelerator.vector.lanes=4", "accelerator.axi.data_bits=64"});
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  options.out_directory = folder.file("out");
  int asked = 0;
  options.stop = [&] { return ++asked > 10; };
  const RunReport report = run(config, options);
  CHECK(report.incomplete);
  CHECK_FALSE(report.passed());
  CHECK(report.cycles > 0);
  CHECK(report.commands_completed > 0);
  CHECK(report.commands_completed < report.commands - 1);
  CHECK(report.comparisons.empty());
  CHECK(report_of(folder.file("out"))["incomplete"] == true);
  CHECK_FALSE(std::filesystem::exists(folder.file("out/tensors.safetensors")));
  CHECK_THAT(to_table(report), Contains("INCOMPLETE: stopped after"));
}

TEST_CASE("of several steps each is reported, with what crossed the link", "[program]") {
  const TemporaryFolder folder;
  const std::vector<std::string> steps = {
      "--set", "workload.steps=3", "--set",
      "workload.optimizer={name: sgd, lr: 0.1, momentum: 0.9, accumulate: 2}"};
  for (const std::string fidelity : {"rtl", "cycle"}) {
    std::vector<std::string> arguments = {"--fidelity", fidelity, "--out", folder.file(fidelity)};
    arguments.insert(arguments.end(), steps.begin(), steps.end());
    const ProgramResult result = run_layers(arguments);
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 0);
    CHECK_THAT(result.out, Contains("0.lora_A.momentum_buffer.new") && !Contains("MISMATCH"));
  }
  const Json report = report_of(folder.file("cycle"));
  CHECK(comparable(report) == comparable(report_of(folder.file("rtl"))));
  CHECK(content_of(folder.file("rtl/tensors.safetensors")) ==
        content_of(folder.file("cycle/tensors.safetensors")));
  REQUIRE(report["steps"].size() == 3);
  CHECK(report["right"] == true);
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& link = report["steps"][i]["link_bytes"];
    CHECK((link["loaded"] > 0) == (i == 0));  // weights, masters and momentum
    CHECK((link["asked"] > 0) == (i == 2));
    CHECK(link["fed"] > 0);
    CHECK(report["steps"][i]["cycles"] > 0);
  }
  // The first step's figures stand in the report as those of a run of one step do.
  const Json& first = report["steps"][0];
  CHECK(report["latency"]["step_cycles"] == first["cycles"]);
  CHECK(report["energy"]["total_pj"] == first["energy_pj"]);
  CHECK(report["memory"]["bytes_read"] == first["memory_bytes_read"]);
  CHECK(report["memory"]["bytes_written"] == first["memory_bytes_written"]);
  CHECK(report["link"]["upload_ns"] == first["upload_ns"]);
  // Every step has the same commands; all that was moved and spent adds up.
  const Json& all = report["all_steps"];
  CHECK(all["asked"] == 3);
  CHECK(all["ended"] == 3);
  std::uint64_t cycles = 0;
  double energy = 0;
  for (const Json& step : report["steps"]) {
    cycles += step["cycles"].get<std::uint64_t>();
    energy += step["energy_pj"].get<double>();
    CHECK(step["memory_bytes_read"] == first["memory_bytes_read"]);
  }
  CHECK(all["cycles"] == cycles);
  CHECK(all["energy_pj"].get<double>() == Approx(energy));
  CHECK(report["steps"][1]["energy_pj"] < first["energy_pj"]);  // weights are loaded once
  CHECK(all["cycles"] <= report["simulation"]["cycles"]);

  std::vector<std::string> both = {"--fidelity", "both"};
  both.insert(both.end(), steps.begin(), steps.end());
  const ProgramResult compared = run_layers(both);
  CHECK(compared.exit_code == 0);
  CHECK_THAT(compared.out, Contains("rtl and cycle are equal: "));

  const ProgramResult clipped = run_layers({"--set", "workload.optimizer={clip_norm: 1}"});
  CHECK(clipped.exit_code == 0);
  const ProgramResult many = run_layers({"--set", "workload.optimizer={accumulate: 1000000000}"});
  CHECK(many.exit_code == 2);
  CHECK_THAT(many.err, Contains("expected at most 1024 micro-batches of layers"));
}
