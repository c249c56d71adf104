// The files that a run writes, looked at before its work: every path that is wrong is found then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "sim/system/output_file.h"

namespace corank {

inline constexpr const char* kReportFile = "report.json";

/// What a run was asked to write; "": not that.
struct AskedFiles {
  std::string out;                 // a folder
  std::vector<std::string> names;  // of the files in it
  std::string trace, waves;
};

/// Holds what is written at the end. What the run made for it is removed if the run does not come
/// that far.
struct RunFiles {
  /// Throws InputError if one of the files cannot be written, or would be written over another or
  /// over what the configuration names to be read.
  RunFiles(const Config& config, const AskedFiles& asked);

  std::optional<OutputFolder> folder;  // --out
  std::optional<OutputFile> trace, waves;
};

}  // namespace corank
