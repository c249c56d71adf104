// `corank report`: pages from what corank wrote.
#pragma once

#include <string>

namespace corank {

struct ReportOptions {
  std::string path;    // a run's folder or its report.json; a sweep's folder or its export as JSON
  std::string other;   // a sweep to compare with; "": none
  std::string output;  // the HTML file
  std::string trace;   // of corank run --trace; "": none
};

/// Writes the page. Throws InputError for what is not there, damaged, or nothing that corank wrote;
/// then nothing is written. Returns what there is to say.
std::string report_command(const ReportOptions& options);

}  // namespace corank
