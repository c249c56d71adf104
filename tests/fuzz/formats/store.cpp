// The folder of a sweep: segments with lines that are torn, damaged, contradict each other or say
// with a right check what no run says; and its other files.
#include "host/sweep/store.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/sweep/run_figures.h"
#include "host/sweep/run_key.h"
#include "host/sweep/sha256.h"
#include "host/sweep/sweep_driver.h"
#include "host/sweep/sweep_file.h"
#include "host/sweep/sweep_table_json.h"
#include "models/base/error.h"
#include "tests/fuzz/format.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/small_runs.h"
#include "tests/host/temporary_folder.h"

namespace corank::fuzz {
namespace {

using draw::one_of;
using Lines = std::vector<std::string>;

constexpr const char* kSweep = R"(name: tiny
configuration: config.yaml
axes:
  accelerator.array.rows: [4, 8]
  accelerator.array.columns: [4, 8]
  accelerator.scratchpad.kib: [16, 32]
objectives: [time, energy, area]
)";

/// What a whole sweep left: a line a run, and the table.
struct Whole {
  std::map<std::string, std::string> files;
  Lines lines;
  std::string table;  // as an export has it
};

Outcome outcome_of(const Config& config) {
  Outcome outcome;
  try {
    outcome.figures = measure_design(config);
  } catch (const InputError& error) {
    outcome.status = DesignStatus::kInfeasible;
    outcome.reason = error.reason();
  }
  return outcome;
}

Whole carry_out() {
  Whole whole;
  whole.files = {{"sweep.yaml", kSweep},
                 {"config.yaml",
                  // Bounds of repeated layers need no compiler, which would take most of the time.
                  "accelerator: {axi: {data_bits: 64}, vector: {lanes: 4}}\nmemory: "
                  "memory/lpddr4-3200.yaml\nenergy: energy/45nm.yaml\nvalues: off\nworkload: "
                  "{layers: repeated, shapes: {tokens: 16, layers: [{in: 32, out: 32, rank: 4, "
                  "repeat: 12}]}}\n"}};
  for (const char* name : {"memory/lpddr4-3200.yaml", "dram/lpddr4-3200.yaml", "energy/45nm.yaml"})
    whole.files[name] = source_file(std::string("configs/") + name);
  const TemporaryFolder folder;
  for (const auto& [name, content] : whole.files) folder.write(name, content);
  std::filesystem::create_directories(folder.file("out/runs"));
  const SweepFile sweep = load_sweep(folder.file("sweep.yaml"));
  {
    SegmentWriter writer(folder.file("out"));
    ContentDigests digests;
    for (std::size_t design = 0; design < sweep.designs(); ++design) {
      const Config config = config_of(sweep, design, 0);
      const Outcome outcome = outcome_of(config);
      writer.append({design, 0, run_key(config, digests), settings_of(sweep, design)}, "step",
                    outcome, 0.5, 2e9);
    }
  }
  whole.table = to_json(replay_sweep(sweep, folder.file("out"), 1)).dump();
  for (const auto& segment : std::filesystem::directory_iterator(folder.file("out/runs"))) {
    const std::string text = content_of(segment.path().string());
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1)
      whole.lines.push_back(text.substr(begin, end + 1 - begin));
  }
  return whole;
}

const Whole& whole_sweep() {
  static const Whole whole = carry_out();
  return whole;
}

/// A line that says something else, with its check and in the writer's order.
void say_otherwise(Random& random, std::string& line) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(line);
  json.erase("check");
  constexpr std::array<const char*, 6> kParts = {"figures",  "figures",  "status",
                                                 "fidelity", "settings", "run"};
  nlohmann::ordered_json& part = json[one_of(random, kParts)];
  std::string text = part.dump();
  mutate_json(random, text);
  const auto changed = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!changed.is_discarded()) part = changed;
  if (percent(random, 20)) json["status"] = percent(random, 50) ? "failed" : "infeasible";
  const std::string rest =
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(1);
  line = R"({"check":")" + sha256(rest).substr(0, 8) + "\"," + rest + "\n";
}

void damage_lines(Random& random, Lines& lines) {
  std::string& line = lines[random() % lines.size()];
  switch (random() % 5) {
    case 0:
      mutate_bytes(random, line);
      break;
    case 1:
      lines.push_back(line);
      say_otherwise(random, lines.back());
      break;
    default:
      say_otherwise(random, line);
  }
}

std::string joined(const Lines& lines, std::size_t from, std::size_t step) {
  std::string text;
  for (std::size_t i = from; i < lines.size(); i += step) text += lines[i];
  return text;
}

/// With the table that the sweep kept, as if it were of these segments, and damaged.
void add_table(Random& random, Input& input) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::object();
  for (const auto& [name, content] : input.files)
    if (name.rfind("out/runs/", 0) == 0) runs[name.substr(9)] = content.size();
  nlohmann::ordered_json json = {
      {"made_from",
       {{"timing", kTimingVersion}, {"runs", runs}, {"files", nlohmann::ordered_json::object()}}}};
  json.update(nlohmann::ordered_json::parse(whole_sweep().table));
  input.files["out/table.json"] = json.dump();
  if (percent(random, 80)) mutate_files(random, input, "out/table.json");
}

}  // namespace

Input make_store(Random& random) {
  Input input;
  input.files = whole_sweep().files;
  input.files["out/sweep.yaml"] = kSweep;
  input.files["out/sweep.json"] =
      R"({"name": "tiny", "file": "sweep.yaml", "directory": ".", "settings": []})";
  Lines lines = whole_sweep().lines;
  if (percent(random, 30)) lines.erase(lines.begin() + draw::int_between(random, 0, 7));
  if (percent(random, 60)) damage_lines(random, lines);
  const std::size_t segments = 1 + random() % 3;
  for (std::size_t i = 0; i < segments; ++i)
    input.files["out/runs/host-" + std::to_string(i) + ".jsonl"] = joined(lines, i, segments);
  if (percent(random, 25)) {  // torn
    std::string& text = input.files["out/runs/host-0.jsonl"];
    text.resize(random() % (text.size() + 1));
  }
  if (percent(random, 20)) mutate_files(random, input, "out/runs/");
  if (percent(random, 15)) mutate_files(random, input, "out/sweep.json");
  if (percent(random, 25)) add_table(random, input);
  if (percent(random, 10)) {
    input.files["out/bounds/1-0.jsonl"] =
        "{\"key\":\"a\",\"bounds\":[{\"tokens\":4,\"infeasible\":\"\"}]}\n";
    mutate_files(random, input, "out/bounds/");
  }
  if (percent(random, 60))
    input.arguments = {"sweep", "show", "out"};
  else if (percent(random, 70))
    input.arguments = {"report", "out", "-o", "page.html"};
  else
    input.arguments = {"sweep", "compare", "out", "out"};
  return input;
}

}  // namespace corank::fuzz
