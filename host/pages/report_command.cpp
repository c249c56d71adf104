#include "host/pages/report_command.h"

#include <fmt/format.h>

#include <filesystem>

#include "host/formats/input_file.h"
#include "host/pages/run_page.h"
#include "host/run/run_files.h"
#include "models/base/error.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

namespace fs = std::filesystem;

std::string report_in(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  const std::string report = (fs::path(path) / kReportFile).string();
  if (!is_there(report))
    throw InputError(path + ": expected the folder of a run with a " + kReportFile +
                     ", found none in it");
  return report;
}

}  // namespace

std::string report_command(const ReportOptions& options) {
  const std::string report = report_in(options.path);
  std::vector<std::string> inputs = {report};
  if (!options.trace.empty()) inputs.push_back(options.trace);
  check_outputs({{"-o " + options.output, options.output}}, inputs);
  const JsonObject json = read_json_object(report);
  std::optional<Timeline> timeline;
  if (!options.trace.empty()) timeline = timeline_of_trace(options.trace);
  const std::string html = to_html(run_page(json, timeline));
  OutputFile file(options.output, "-o " + options.output);
  file.write(html);
  file.finish();
  return fmt::format("written to {}: {:.0f} kB\n", options.output,
                     static_cast<double>(html.size()) / 1000);
}

}  // namespace corank
