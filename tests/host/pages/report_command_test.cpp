// Pages of real runs, small ones on the cycle model, and of files that are none.
#include "host/pages/report_command.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/pages/run_page.h"
#include "host/run/finetune.h"
#include "host/run/run.h"
#include "host/sweep/sweep_table_json.h"
#include "models/base/error.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> small_step() {
  return {"accelerator.array={rows: 4, columns: 4}", "accelerator.vector.lanes=4",
          "accelerator.axi.data_bits=64",
          "workload={shapes: {tokens: 9, layers: [{in: 24, out: 16, rank: 3}]}}"};
}

/// A run in a folder's "out".
void run_in(const TemporaryFolder& folder, const std::vector<std::string>& more = {},
            int stop_at = 0) {
  std::vector<std::string> settings = small_step();
  settings.insert(settings.end(), more.begin(), more.end());
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  options.out_directory = folder.file("out");
  options.trace = folder.file("trace.json");
  int asked = 0;
  if (stop_at > 0) options.stop = [&] { return ++asked >= stop_at; };
  run(load_config(CORANK_CONFIGS "/quickstart.yaml", settings), options);
}

std::string page_of(const TemporaryFolder& folder, ReportOptions options) {
  options.output = folder.file("page.html");
  report_command(options);
  return content_of(options.output);
}

std::string refusal(const TemporaryFolder& folder, ReportOptions options) {
  options.output = folder.file("page.html");
  const std::string message = message_of<InputError>([&] { report_command(options); });
  CHECK_FALSE(std::filesystem::exists(options.output));
  return message;
}

std::vector<std::string> ids(const Page& page) {
  std::vector<std::string> all;
  for (const Figure& figure : page.figures) all.push_back(figure.id);
  return all;
}

}  // namespace

TEST_CASE("a run writes its page, and the page of its folder has the same pictures") {
  const TemporaryFolder folder;
  run_in(folder, {"name=\"<img src=x onerror=alert(1)>\""});
  const std::string written = content_of(folder.file("out/report.html"));
  CHECK_THAT(written, Contains("<h1>&lt;img src=x onerror=alert(1)&gt;</h1>"));
  CHECK(written.find("<img") == std::string::npos);
  for (const char* id : {"roofline", "units", "timeline", "products", "work", "energy",
                         "work-energy", "tensors", "silicon", "trust"}) {
    INFO(id);
    const std::string figure = "id=\"figure-" + std::string(id) + "\"";
    CHECK_THAT(written, Contains(figure));
    CHECK_THAT(page_of(folder, {folder.file("out"), "", "", ""}), Contains(figure));
  }
  CHECK_THAT(written, Contains("Right: "));
  // With the trace, it is the very page that the run wrote but for memory's curve.
  const std::string traced =
      page_of(folder, {folder.file("out/report.json"), "", "", folder.file("trace.json")});
  CHECK(traced.substr(0, traced.find("<script")) == written.substr(0, written.find("<script")));
}

TEST_CASE("runs of every kind have a page: stopped, streamed, repeated, with a DRAM, of steps") {
  const std::string many =
      "workload={shapes: {tokens: 24, layers: [{in: 128, out: 128, rank: 8, repeat: 10}]}}";
  const std::vector<std::vector<std::string>> kinds = {
      {"workload.weights=streamed"},
      {"workload.steps=3"},
      {"values=off"},
      {"energy=synthesis"},
      {"memory=" CORANK_CONFIGS "/memory/ddr4-2400.yaml"},
      {many, "values=off", "workload.layers=repeated"}};
  for (const auto& kind : kinds) {
    INFO(kind.back());
    const TemporaryFolder folder;
    run_in(folder, kind);
    CHECK_THAT(page_of(folder, {folder.file("out"), "", "", ""}), Contains("</html>"));
  }
  for (const int stop_at : {1, 2}) {
    INFO("stopped at " << stop_at);
    const TemporaryFolder folder;
    run_in(folder, {"workload.steps=2"}, stop_at);
    CHECK(content_of(folder.file("out/report.html")).find("Incomplete: ") != std::string::npos);
  }
}

TEST_CASE("a fine-tuning run has a page, on the device, stopped, and in the reference") {
  const std::string fixture = FINETUNE_FIXTURES "/llama_schedule";
  const Config config = load_config(
      CORANK_CONFIGS "/finetune.yaml",
      {"workload.model=" + fixture + "/model", "workload.adapter=" + fixture + "/adapter",
       "workload.batches=" + fixture + "/batches.safetensors"});
  for (const bool stopped : {false, true}) {
    const TemporaryFolder folder;
    RunOptions options;
    options.fidelity = Fidelity::kCycle;
    options.out_directory = folder.file("out");
    int asked = 0;
    options.stop = [&] { return ++asked > 2 && stopped; };
    RunFiles files = open_finetune_files(config, options);
    write_finetune(options.out_directory, finetune_on_device(config, options, files), {});
    const std::string page = content_of(folder.file("out/report.html"));
    CHECK_THAT(page, Contains(stopped ? "Incomplete: " : "Right: "));
    for (const char* id : {"roofline", "units", "timeline", "work", "energy", "memory", "losses"})
      CHECK_THAT(page, Contains("id=\"figure-" + std::string(id) + "\""));
  }
  const TemporaryFolder folder;
  write_finetune(folder.file("out"), finetune(config), {});
  CHECK(ids(run_page(read_json_object(folder.file("out/report.json")))) ==
        std::vector<std::string>{"losses", "macs"});
}

TEST_CASE("what an older report lacks is left out") {
  const TemporaryFolder folder;
  run_in(folder);
  Json report = Json::parse(content_of(folder.file("out/report.json")));
  report.erase("work");
  report.erase("phases");
  const Page page = run_page({report, "report.json"});
  CHECK(ids(page) ==
        std::vector<std::string>{"roofline", "units", "energy", "tensors", "silicon", "trust"});
}

TEST_CASE("a damaged report is refused with the key that is wrong, and nothing is written") {
  const TemporaryFolder folder;
  run_in(folder);
  const std::string good = content_of(folder.file("out/report.json"));
  const auto refused = [&](const std::string& text) {
    return refusal(folder, {folder.write("bad.json", text), "", "", ""});
  };
  CHECK_THAT(refused(good.substr(0, good.size() / 2)),
             Contains("bad.json:") && Contains("is not valid JSON"));
  CHECK_THAT(refused("{}"), Contains("expected a report.json of corank run"));
  CHECK_THAT(refused("[1, 2]"), Contains("expected a JSON object"));
  // Every key that is taken away or replaced by a text leads to a page or a refusal, never to more.
  const Json report = Json::parse(good);
  for (const auto& [key, ignored] : report.items()) {
    INFO(key);
    Json broken = report;
    broken[key] = "text";
    const std::string message = message_of<InputError>([&] { run_page({broken, "report.json"}); });
    const std::vector<std::string> read = {"workload", "machine", "latency", "memory",
                                           "link",     "energy",  "silicon"};
    if (std::find(read.begin(), read.end(), key) != read.end())
      CHECK_THAT(message, Contains(key + "': expected an object, found \"text\""));
    broken.erase(key);
    message_of<InputError>([&] { run_page({broken, "report.json"}); });
  }
  Json broken = report;
  broken["units"][1]["cycles"]["busy"] = "many";
  CHECK(message_of<InputError>([&] {
          run_page({broken, "report.json"});
        }) ==
        "report.json: units[1]: cycles: 'busy': expected a number that FP32 holds, found \"many\"");
}

TEST_CASE("a folder without a report, a wrong trace and a lonely second path are refused") {
  const TemporaryFolder folder;
  run_in(folder);
  const std::string out = folder.file("out");
  CHECK_THAT(refusal(folder, {folder.file("nothing"), "", "", ""}), Contains("nothing"));
  std::filesystem::create_directory(folder.file("empty"));
  CHECK_THAT(refusal(folder, {folder.file("empty"), "", "", ""}),
             Contains("expected the folder of a run, with a report.json, or of a sweep"));
  CHECK_THAT(refusal(folder, {out, "", "", out + "/report.json"}),
             Contains("expected one of a trace of corank run --trace"));
  CHECK_THAT(refusal(folder, {out, "", "", folder.write("torn.json", "{\"traceEvents\": [{")}),
             Contains("is not valid JSON"));
  CHECK_THAT(refusal(folder, {out, out, "", ""}), Contains("expected a sweep"));
  const ReportOptions over_input{out, "", out + "/report.json", ""};
  CHECK_THAT(message_of<InputError>([&] { report_command(over_input); }),
             Contains("would be written over"));
}

TEST_CASE("a sweep's export has a page, a damaged one a refusal") {
  const TemporaryFolder folder;
  SweepTable table;
  table.name = "</script><b>";
  table.axes = {{"accelerator.array.rows", {"4"}, true}};
  table.objectives = {Objective::kTime, Objective::kArea};
  SweepRow row;
  row.values = {0};
  row.status = DesignStatus::kDone;
  row.objectives = {1e6, 2};
  row.on_front = true;
  row.run_line = "corank run --set 'name=</script>'";
  table.rows = {row};
  table.designs = 1;
  const Json json = to_json(table);
  const std::string page = page_of(folder, {folder.write("t.json", json.dump()), "", "", ""});
  CHECK_THAT(page, Contains("<h1>&lt;/script&gt;&lt;b&gt;</h1>") &&
                       Contains("name=\\u003c/script\\u003e") && Contains("figure-pareto"));
  std::filesystem::remove(folder.file("page.html"));
  Json broken = json;
  broken["rows"]["status"][0] = "lost";
  CHECK_THAT(refusal(folder, {folder.write("b.json", broken.dump()), "", "", ""}),
             Contains("b.json: ") && Contains("lost"));
}
