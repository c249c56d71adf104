// The folder of a sweep: which sweep it is of, its runs (store.h), what its workers are asked for
// (work_plan.h) and its table, as far as that was worked out.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/sweep/engine.h"
#include "host/sweep/sweep_file.h"
#include "host/sweep/sweep_table.h"

namespace corank {

/// Where a sweep's description was, when it was last started.
struct SweepOrigin {
  std::string name;
  std::string file, directory;        // absolute
  std::vector<std::string> settings;  // of the command line
};

/// Throws InputError: the folder holds another sweep (one of another name), or other files.
void check_sweep_folder(const std::string& folder, const SweepFile& sweep);

/// Puts into a folder that is there which sweep it is of, with a copy of the sweep's file, and the
/// folders below it. Throws InputError where nobody may write to it.
void keep_sweep(const std::string& folder, const SweepFile& sweep);

/// Throws InputError: there is no sweep there.
SweepOrigin sweep_origin(const std::string& folder);

/// All files that the sweep's machines, memories and prices come from, itself included; absolute.
std::set<std::string> files_of_sweep(const SweepFile& sweep);

/// Keeps the table, with what it was made from.
void keep_table(const std::string& folder, const SweepFile& sweep, const SweepTable& table);

/// The table of a sweep as it stands. What has been kept is taken if it was made from what is there
/// now; else the search is gone through again with the runs of the store, and nothing is run.
/// Throws InputError.
SweepTable table_of_folder(const std::string& folder);

}  // namespace corank
