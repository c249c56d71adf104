// A sweep from its file to its table: what is searched for is run, and kept.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/sweep/engine.h"
#include "host/sweep/store.h"
#include "host/sweep/sweep_file.h"
#include "host/sweep/sweep_table.h"

namespace corank {

/// How far a sweep is.
struct SweepState {
  std::string doing;             // "bounds", "runs"
  std::size_t done = 0, of = 0;  // of these
  std::size_t runs = 0;          // of designs, that came to their end
  double pruned = 0, open = 0;   // shares of the designs, after the last round
};

struct SweepOptions {
  std::string folder;
  int workers = 1;     // of this machine, for bounds
  bool retry = false;  // runs that failed
  /// Makes who carries out the runs.
  std::function<std::unique_ptr<SweepEngine>(Store&, const JobContext&)> engine;
  std::function<bool()> stop;
  std::function<void(const SweepState&)> progress;
};

struct SweepEnd {
  SweepTable table;
  bool stopped = false;
  std::optional<std::string> violation;  // of a bound, with the line that shows it
};

/// Carries out a sweep, or goes on with it. Throws InputError and MachineError; what was finished
/// is kept.
SweepEnd carry_out_sweep(const SweepFile& sweep, const SweepOptions& options);

/// The table as far as the store has the runs, rounds that are not complete left out.
SweepTable replay_sweep(const SweepFile& sweep, const std::string& folder, int workers);

}  // namespace corank
