#include "host/pages/report_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "host/formats/input_file.h"
#include "host/pages/run_page.h"
#include "host/pages/sweep_page.h"
#include "host/run/run_files.h"
#include "host/sweep/sweep_folder.h"
#include "host/sweep/sweep_table_json.h"
#include "models/base/error.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSweepFile = "sweep.yaml";

/// What a path leads to: one of the two.
struct Source {
  std::string file;
  std::optional<SweepTable> sweep;
  std::optional<JsonObject> run;
};

SweepTable read_table(const JsonObject& json) {
  try {
    SweepTable table = sweep_table_of(nlohmann::json(json.json()));
    table.directory = json.where();
    return table;
  } catch (const InputError& error) {
    throw InputError(json.where() + ": " + error.what());
  }
}

Source read_source(const std::string& path) {
  Source source;
  std::error_code error;
  source.file = path;
  if (fs::is_directory(path, error)) {
    const std::string report = (fs::path(path) / kReportFile).string();
    const std::string sweep = (fs::path(path) / kSweepFile).string();
    if (is_there(sweep)) {
      source.sweep = table_of_folder(path);
      source.file = sweep;
      return source;
    }
    if (!is_there(report))
      throw InputError(
          fmt::format("{}: expected the folder of a run, with a {}, or of a sweep, with "
                      "a {}; found neither in it",
                      path, kReportFile, kSweepFile));
    source.file = report;
  }
  const JsonObject json = read_json_object(source.file);
  if (json.has("axes") && json.has("rows"))
    source.sweep = read_table(json);
  else
    source.run = json;
  return source;
}

}  // namespace

std::string report_command(const ReportOptions& options) {
  const Source source = read_source(options.path);
  std::vector<std::string> inputs = {source.file};
  std::optional<Source> other;
  if (!options.other.empty()) {
    other = read_source(options.other);
    inputs.push_back(other->file);
    if (!source.sweep || !other->sweep)
      throw InputError((source.sweep ? options.other : options.path) +
                       ": expected a sweep, since two are compared; found a run");
  }
  if (!options.trace.empty()) {
    if (source.sweep) throw InputError("--trace: is for a run; found a sweep in " + options.path);
    inputs.push_back(options.trace);
  }
  check_outputs({{"-o " + options.output, options.output}}, inputs);
  OutputFile file(options.output, "-o " + options.output);
  std::optional<Timeline> timeline;
  if (!options.trace.empty()) timeline = timeline_of_trace(options.trace);
  const std::string html =
      to_html(source.sweep ? sweep_page(*source.sweep, other ? &*other->sweep : nullptr)
                           : run_page(*source.run, timeline));
  file.write(html);
  file.finish();
  return fmt::format("written to {}: {:.0f} kB\n", options.output,
                     static_cast<double>(html.size()) / 1000);
}

}  // namespace corank
