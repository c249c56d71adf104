// A sweep's table for other programs. Each file can be made again.
#pragma once

#include <string>

#include "host/sweep/sweep_table.h"
#include "sim/system/output_file.h"

namespace corank {

/// A header, and a row a design: axes by their keys, objectives and bounds with their units
/// ("time_ns", "bound_time_ns"), figures.
std::string to_csv(const SweepTable& table);

/// The same as the table `designs` of an SQLite database, with `infeasible` (reason, designs),
/// `progress` and `sweep` (name, value) beside it. `file` must be a regular one. Throws
/// MachineError.
void write_sqlite(OutputFile& file, const SweepTable& table);

}  // namespace corank
