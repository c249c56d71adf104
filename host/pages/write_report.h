// The report of a run at its end, as a file for programs and as a page for people.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "host/pages/timeline.h"

namespace corank {

inline constexpr const char* kReportPage = "report.html";

/// Writes DIRECTORY/report.json and DIRECTORY/report.html.
void write_report(const std::string& directory, const nlohmann::ordered_json& report,
                  const std::optional<Timeline>& timeline);

}  // namespace corank
