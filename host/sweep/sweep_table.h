// A sweep as it stands: all that is shown, exported and drawn of it. Plain data.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/objectives.h"

namespace corank {

enum class DesignStatus { kOpen, kPruned, kDone, kInfeasible, kFailed };
inline constexpr std::array<const char*, 5> kDesignStatusNames = {"open", "pruned", "done",
                                                                  "infeasible", "failed"};

struct SweepAxis {
  std::string path;
  std::vector<std::string> values;  // as they are written, in the order of the sweep's file
  bool numeric = false;             // each is a number
};

struct SweepRow {
  std::size_t design = 0;
  std::vector<std::size_t> values;  // places in the axes' values
  DesignStatus status = DesignStatus::kOpen;
  std::string reason;                     // of an infeasible or failed one
  std::vector<double> bounds;             // lower ones, by objective; empty: none is known
  std::vector<double> objectives;         // exact, by objective; empty: there was no run
  std::map<std::string, double> figures;  // step_ns, energy_pj, area_mm2, device_bytes, tokens,
                                          // fmax_mhz, utilisation, estimate_ns ...: where known
  std::string bound_by;                   // of a run
  bool on_front = false;                  // among those that were run
  std::string run_line;                   // the `corank run` command that repeats it
};

/// After so many exact runs.
struct SweepProgress {
  std::size_t runs = 0;
  double hypervolume = 0;       // of the front so far, as a share of the last one's
  double pruned = 0, open = 0;  // shares of the designs
};

struct SweepTable {
  std::string name, directory;
  std::vector<SweepAxis> axes;
  std::vector<Objective> objectives;
  std::vector<SweepRow> rows;  // by design; of a large space those alone that were run or are open
                               // nearest to the front (rows_left_out says how many are not here)
  std::size_t designs = 0, rows_left_out = 0;
  std::map<std::string, std::size_t> infeasible;  // by reason
  std::size_t violations = 0;                     // of the bounds: 0 unless something is wrong
  bool proved = false;                            // the front is the whole one
  double tolerance = 0;
  std::string fpga;  // which one, and where what machines take of it comes from; "": there is none
  std::vector<SweepProgress> progress;
};

/// The rows on the front, the best in the first objective first.
std::vector<const SweepRow*> front_rows(const SweepTable& table);

/// "compute (the array), busy in 93.1 % of the cycles": what stands before the figures.
std::string bound_kind(const std::string& bound_by);

}  // namespace corank
