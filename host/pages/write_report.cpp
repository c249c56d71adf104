#include "host/pages/write_report.h"

#include <filesystem>

#include "host/pages/run_page.h"
#include "host/report/write_json.h"
#include "host/run/run_files.h"
#include "sim/system/output_file.h"

namespace corank {

void write_report(const std::string& directory, const nlohmann::ordered_json& report,
                  const std::optional<Timeline>& timeline) {
  const std::string path = (std::filesystem::path(directory) / kReportFile).string();
  write_json(path, report);
  // The page shows what the file says, which has no number that is not finite and no text that is
  // not UTF-8.
  const JsonObject read(Json::parse(report.dump(-1, ' ', false, Json::error_handler_t::replace)),
                        path);
  OutputFile file((std::filesystem::path(directory) / kReportPage).string());
  file.write(to_html(run_page(read, timeline)));
  file.finish();
}

}  // namespace corank
