// The reports of real runs, of every kind, against their schemas in host/report, by a validator
// that is not ours.
#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "host/analytic/analytic_command.h"
#include "host/report/schemas.h"
#include "host/run/finetune.h"
#include "host/run/run.h"
#include "tests/host/capture/small_capture.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Report = nlohmann::json;  // as it was written

namespace {

std::unique_ptr<valijson::Schema> parse_schema(const char* schema) {
  auto parsed = std::make_unique<valijson::Schema>();
  const Report text = Report::parse(schema);
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(valijson::adapters::NlohmannJsonAdapter(text), *parsed);
  return parsed;
}

/// "" if the report keeps to the schema of its kind, else what is wrong with it.
std::string violations(const Report& report) {
  static const auto step = parse_schema(kReportSchema);
  static const auto finetune = parse_schema(kFinetuneReportSchema);
  static const auto analytic = parse_schema(kAnalyticReportSchema);
  const bool of_finetuning = report.contains("training") || report.contains("evaluation");
  const auto& schema = report.value("fidelity", "") == "analytic" ? analytic
                       : of_finetuning                            ? finetune
                                                                  : step;
  valijson::ValidationResults results;
  valijson::Validator validator;
  const valijson::adapters::NlohmannJsonAdapter adapter(report);
  if (validator.validate(*schema, adapter, &results)) return "";
  std::string text;
  for (const auto& error : results) {
    for (const std::string& part : error.context) text += part;
    text += " " + error.description + "\n";
  }
  return text;
}

/// The report that a run of a small layer on a 4 x 4 machine writes; it is stopped when the driver
/// asks for the n-th time.
Report report_of_run(Fidelity fidelity, const std::vector<std::string>& more, int stop_at = 0) {
  const TemporaryFolder folder;
  const std::string capture = folder.file("layer.safetensors");
  write_safetensors(capture, test::small_capture());
  std::vector<std::string> settings = {"accelerator.array={rows: 4, columns: 4}",
                                       "accelerator.vector.lanes=4", "accelerator.axi.data_bits=64",
                                       "compiler.rehearse=false"};
  const bool layers = !more.empty() && more.front().rfind("workload=", 0) == 0;
  if (!layers) settings.push_back("workload.capture=" + capture);
  settings.insert(settings.end(), more.begin(), more.end());
  RunOptions options;
  options.fidelity = fidelity;
  options.out_directory = folder.file("out");
  int asked = 0;
  if (stop_at > 0) options.stop = [&] { return ++asked >= stop_at; };
  run(load_config(std::string(CORANK_CONFIGS) + "/quickstart.yaml", settings), options);
  return Report::parse(content_of(folder.file("out/report.json")));
}

/// Each run once.
const Report& report() {
  static const Report written = report_of_run(Fidelity::kRtl, {});
  return written;
}
const Report& report_with_dram() {
  static const Report written = report_of_run(
      Fidelity::kCycle, {"memory=" + std::string(CORANK_CONFIGS) + "/memory/ddr4-2400.yaml"});
  return written;
}

/// Every object in the report, by its place.
std::vector<Report::json_pointer> objects(const Report& value, const Report::json_pointer& place) {
  std::vector<Report::json_pointer> found;
  if (value.is_object()) found.push_back(place);
  if (!value.is_structured()) return found;
  for (const auto& [key, child] : value.items()) {
    const auto inside = objects(child, value.is_array() ? place / std::stoul(key) : place / key);
    found.insert(found.end(), inside.begin(), inside.end());
  }
  return found;
}

}  // namespace

TEST_CASE("the report of a run keeps to its schema", "[schema]") {
  for (const Report& written : {report(), report_with_dram()}) {
    CHECK(violations(written) == "");
    CHECK(written["right"] == true);
  }
}

TEST_CASE("the report of every kind of run keeps to its schema", "[schema]") {
  const std::string one = "workload={shapes: {tokens: 9, layers: [{in: 24, out: 16, rank: 3}]}}";
  const std::string many =
      "workload={shapes: {tokens: 24, layers: [{in: 128, out: 128, rank: 8, repeat: 10}]}}";
  const std::string no_adapter =
      "workload={shapes: {tokens: 9, layers: [{in: 24, out: 16, rank: 0}, {in: 16, out: 24, rank: "
      "0, bias: true}]}}";
  const std::string memories = std::string(CORANK_CONFIGS) + "/memory/";
  const std::vector<std::vector<std::string>> kinds = {
      {},
      {one},
      {many},
      {no_adapter},
      {no_adapter, "values=off"},
      {one, "values=off"},
      {many, "values=off"},
      {many, "values=off", "workload.layers=repeated"},
      {many, "values=off", "workload.layers=repeated", "workload.weights=streamed"},
      {many, "workload.weights=streamed"},
      {many, "workload.weights=streamed", "link={bandwidth_gb_per_s: 0.05}"},
      {one, "energy={}"},
      {one, "energy=synthesis"},
      {many, "values=off", "workload.layers=repeated", "energy=synthesis"},
      {one, "memory=" + memories + "ddr4-2400.yaml"},
      {one, "memory=" + memories + "hbm2.yaml", "values=off"},
      {one, "memory=" + memories + "lpddr5-6400.yaml"},
      {one, "memory=" + memories + "lpddr5-6400.yaml", "energy={}"},
      {one, "memory={latency_ns: 0, bandwidth_gb_per_s: 1000}", "link={latency_ns: 0}"},
      {one, "verification.stalls.percent=50"},
      {one, "accelerator.array.mac=host-float", "name=\"\""}};
  for (const auto& kind : kinds) {
    INFO(Catch::StringMaker<std::vector<std::string>>::convert(kind));
    const Report written = report_of_run(Fidelity::kCycle, kind);
    CHECK(violations(written) == "");
    CHECK(written["right"] == true);
    CHECK(written["comparisons"].empty() == (written["values"] == false));
  }
  // As Ctrl-C leaves it: before the first command, in between, close to the end.
  for (const auto& kind : kinds) {
    for (const int stop_at : {1, 2, 3, 8, 20}) {
      INFO(Catch::StringMaker<std::vector<std::string>>::convert(kind)
           << " stopped at " << stop_at);
      CHECK(violations(report_of_run(Fidelity::kCycle, kind, stop_at)) == "");
    }
  }
}

TEST_CASE("the report of a fine-tuning run keeps to its schema", "[schema]") {
  for (const std::string name : {"llama_gqa", "bert", "llama_classify", "llama_sgd"}) {
    for (const bool stopped : {false, true}) {
      INFO(name << (stopped ? ", stopped" : ""));
      const std::string fixture = std::string(FINETUNE_FIXTURES) + "/" + name;
      std::int64_t done = 0;
      const FinetuneResult result = finetune(
          load_config("", {"workload.model=" + fixture + "/model",
                           "workload.adapter=" + fixture + "/adapter",
                           "workload.batches=" + fixture + "/batches.safetensors",
                           std::string("workload.recompute=") + (stopped ? "layers" : "none")}),
          [&](std::int64_t steps, double) { done = steps; }, [&] { return stopped && done == 1; });
      const Report written = Report::parse(to_json(result.report).dump());
      CHECK(violations(written) == "");
      CHECK(written["incomplete"] == stopped);
      CHECK(written["training"]["losses"].size() == written["training"]["steps"]);
      if (stopped) CHECK(written["training"]["steps"] == 1);
      const Report& step = written["step"];
      CHECK((step["macs"]["recompute"] > 0) == stopped);
      CHECK(step["bytes"].contains("without_recompute") == stopped);
      if (stopped) CHECK(step["bytes"]["without_recompute"]["peak"] > step["bytes"]["peak"]);
      Report broken = written;
      broken["colour"] = 1;
      CHECK(violations(broken) != "");
      broken = written;
      broken["step"]["macs"].erase("total");
      CHECK(violations(broken) != "");
    }
  }
}

TEST_CASE("the report of a fine-tuning run on the accelerator keeps to its schema", "[schema]") {
  const std::string fixture = std::string(FINETUNE_FIXTURES) + "/llama_schedule";
  for (const std::string more : {"name=plain", "workload.weights=streamed", "energy=synthesis",
                                 "memory=" CORANK_CONFIGS "/memory/ddr4-2400.yaml"}) {
    for (const bool stopped : {false, true}) {
      INFO(more << (stopped ? ", stopped" : ""));
      const Config config = load_config(
          CORANK_CONFIGS "/finetune.yaml",
          {"workload.model=" + fixture + "/model", "workload.adapter=" + fixture + "/adapter",
           "workload.batches=" + fixture + "/batches.safetensors",
           "workload.optimizer.accumulate=3", "compiler.rehearse=false", more});
      RunOptions options;
      options.fidelity = Fidelity::kCycle;
      int asked = 0;
      options.stop = [&] { return ++asked > 2 && stopped; };
      RunFiles files = open_finetune_files(config, options);
      const Report written =
          Report::parse(to_json(finetune_on_device(config, options, files).report).dump());
      CHECK(violations(written) == "");
      CHECK(written["incomplete"] == stopped);
      const Report& device = written["device"];
      CHECK(device["right"] == !stopped);
      CHECK(device["comparisons"].empty() == stopped);
      CHECK(device["steps"].size() == written["training"]["steps"]);
      CHECK(device["epoch"]["steps"] == 6);
      CHECK(device["epoch"]["simulated_steps"] == (stopped ? 2 : 6));
      if (more != "name=plain") continue;
      for (const auto& place : objects(device, Report::json_pointer())) {
        Report broken = written;
        broken["device"][place]["colour"] = 1;
        CHECK(violations(broken) != "");
      }
      Report broken = written;
      broken["fidelity"] = "reference";
      CHECK(violations(broken) != "");
      broken = written;
      broken.erase("device");
      CHECK(violations(broken) != "");
    }
  }
}

TEST_CASE("the report of forward passes keeps to the schema of fine-tuning runs", "[schema]") {
  for (const std::string name : {"llama_gqa", "bert"}) {
    for (const bool on_device : {false, true}) {
      INFO(name << (on_device ? ", cycle" : ""));
      const std::string fixture = std::string(FINETUNE_FIXTURES) + "/" + name;
      const Config config = load_config(
          CORANK_CONFIGS "/finetune.yaml",
          {"workload.model=" + fixture + "/model", "workload.adapter=" + fixture + "/adapter",
           "workload.batches=" + fixture + "/batches.safetensors", "workload.pass=forward"});
      RunOptions options;
      options.fidelity = Fidelity::kCycle;
      RunFiles files = open_finetune_files(config, options);
      const FinetuneResult result =
          on_device ? finetune_on_device(config, options, files) : finetune(config);
      const Report written = Report::parse(to_json(result.report).dump());
      CHECK(violations(written) == "");
      CHECK(written["evaluation"].contains("accuracy") == (name == "bert"));
      for (const auto& [key, value] : written["evaluation"].items()) {
        Report broken = written;
        broken["evaluation"].erase(key);
        INFO("without " << key);
        CHECK(violations(broken) != "");
      }
      Report broken = written;
      broken["training"] = written["evaluation"];
      CHECK(violations(broken) != "");
    }
  }
}

TEST_CASE("the report of a run with a DRAM says what its data bus and its energy went to",
          "[schema]") {
  CHECK_FALSE(report()["memory"].contains("dram"));
  const Report& dram = report_with_dram()["memory"]["dram"];
  CHECK(dram["device"] == "DDR4-2400 17-17-17, 8 Gb x8, 64 bit");
  // Every access of the step takes four clocks of data; what reads and writes move is what the
  // device asked for, in whole accesses.
  CHECK(dram["data_bus_clocks"]["data"] ==
        4 * (dram["reads"].get<int>() + dram["writes"].get<int>()));
  CHECK(64 * (dram["reads"].get<int>() + dram["forwarded_reads"].get<int>()) >=
        report_with_dram()["memory"]["bytes_read"].get<int>());
  double parts = 0, lines = 0;
  for (const auto& action : report_with_dram()["energy"]["actions"]) {
    parts += action["total_pj"].get<double>();
    const auto name = action["action"].get<std::string>();
    CHECK(name != "dram_byte");  // the device's own figures take its place
    if (name.rfind("dram_", 0) == 0) ++lines;
  }
  CHECK(lines == 7);
  CHECK(parts == Approx(report_with_dram()["energy"]["total_pj"].get<double>()));
}

TEST_CASE("every key of a report is needed, in every object", "[schema]") {
  int removed = 0;
  for (const auto& place : objects(report_with_dram(), Report::json_pointer())) {
    for (const auto& [key, value] : report_with_dram().at(place).items()) {
      Report broken = report_with_dram();
      broken.at(place).erase(key);
      INFO("without " << place.to_string() << "/" << key);
      // Only of what FP64 computes too; only of that kind of memory.
      if (key == "fp64" || key == "dram") {
        CHECK(violations(broken) == "");
      } else {
        CHECK(violations(broken) != "");
      }
      ++removed;
    }
  }
  CHECK(removed > 200);
}

TEST_CASE("an unknown key is refused in every object of a report", "[schema]") {
  for (const auto& place : objects(report_with_dram(), Report::json_pointer())) {
    Report broken = report_with_dram();
    broken.at(place)["colour"] = 1;
    INFO("with " << place.to_string() << "/colour");
    CHECK(violations(broken) != "");
  }
}

TEST_CASE("the report has every parameter of the machine, and its schema the same ranges",
          "[schema]") {
  for (const MachineParameter& parameter : kMachineParameters) {
    INFO(parameter.name);
    RunReport run;
    run.machine.*parameter.value = parameter.most;
    CHECK(to_json(run)["machine"][parameter.name] == parameter.most);
    const auto fits = [&](int value) {
      Report other = report();
      other["machine"][parameter.name] = value;
      return violations(other) == "";
    };
    CHECK(fits(parameter.least));
    CHECK(fits(parameter.most));
    CHECK_FALSE(fits(parameter.least - 1));
  }
  for (const MachineChoice& choice : kMachineChoices) {
    for (const char* option : choice.options) {
      RunReport run;
      run.machine.*choice.value = option;
      CHECK(to_json(run)["machine"][choice.name] == option);
      Report other = report();
      other["machine"][choice.name] = option;
      CHECK(violations(other) == "");
    }
  }
}

TEST_CASE("wrong types and values beyond their range are refused", "[schema]") {
  const std::vector<std::pair<std::string, Report>> changes = {
      {"/report_version", 3},
      {"/fidelity", "guess"},
      {"/workload/weights", "somewhere"},
      {"/workload/layers/0/tokens", 0},
      {"/workload/layers/0/step", "25"},
      {"/phases/0/bound", "luck"},
      {"/phases/0/lost_cycles/link", -1},
      {"/machine/axi_data_bits", 96},
      {"/machine/array_rows", 33},
      {"/latency/step_cycles", 1.5},
      {"/latency/step_ns", -1},
      {"/array_utilisation", 1.5},
      {"/units/0/unit", "cpu"},
      {"/units/0/cycles/idle", -1},
      {"/gemms/0/kind", "convolution"},
      {"/memory/share_of_peak", -0.5},
      {"/energy/actions/0/quality", "guessed"},
      {"/energy/actions/0/part", "heat"},
      {"/energy/actions/0/span_pj_each", Report::array({1})},
      {"/energy/span_pj", Report::array({-1, 1})},
      {"/energy/parts/clock_pj", nullptr},
      {"/right", "yes"},
      {"/comparisons", Report::array()},
      {"/comparisons/0/first_mismatch", "somewhere"},
      {"/comparisons/0/fp64/relative_frobenius_error", "small"},
      {"/counters/cycles", nullptr}};
  for (const auto& [place, value] : changes) {
    Report broken = report();
    broken[Report::json_pointer(place)] = value;
    INFO(place << " = " << value);
    CHECK(violations(broken) != "");
  }
  Report mismatch = report();
  mismatch["comparisons"][0]["first_mismatch"] = "[3, 5]: device 3f81, reference 3f80";
  CHECK(violations(mismatch) == "");
  mismatch["comparisons"][0]["fp64"]["relative_frobenius_error"] = nullptr;  // not finite
  CHECK(violations(mismatch) == "");
}

TEST_CASE("the report of an analysis keeps to its schema, and the schema sees what is missing",
          "[report]") {
  const TemporaryFolder folder;
  RunOptions options;
  options.out_directory = folder.file("out");
  const Config config = load_config(
      std::string(CORANK_CONFIGS) + "/quickstart.yaml",
      {"values=off", "workload={shapes: {tokens: 8, layers: [{in: 16, out: 16, rank: 4}]}}"});
  run_analytic(config, options);
  Report report = Report::parse(content_of(folder.file("out/report.json")));
  CHECK(violations(report) == "");
  CHECK(report["exact"]["counters"]["gemm_macs_0"] == 8 * 16 * 16);
  report["bound"].erase("step_ns");
  CHECK(violations(report) != "");
}
