#include "host/sweep/sweep_driver.h"

#include <fmt/format.h>

#include <filesystem>
#include <unordered_set>
#include <utility>
#include <vector>

#include "host/sweep/bound_designs.h"
#include "host/sweep/forked.h"
#include "host/sweep/run_key.h"
#include "host/sweep/search.h"
#include "host/sweep/sweep_folder.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"
#include "sim/system/output_file.h"

namespace corank {
namespace {

// A round's runs: by design and workload.
using RoundJobs = std::vector<std::vector<Job>>;

class Rounds {
 public:
  Rounds(const SweepFile& sweep, const Search& search, Store& store)
      : sweep_(sweep), search_(search), store_(store) {}

  RoundJobs jobs_of(const std::vector<std::size_t>& designs) {
    RoundJobs jobs;
    for (const std::size_t design : designs) {
      std::vector<Job>& workloads = jobs.emplace_back();
      for (std::size_t workload = 0; workload < sweep_.workloads.size(); ++workload) {
        Job& job = workloads.emplace_back();
        job.design = design;
        job.workload = workload;
        job.settings = with_settings(sweep_, settings_of(sweep_, design), workload);
        job.key = key_of(design, workload);
      }
    }
    return jobs;
  }

  /// Those that the store does not have, each once.
  std::vector<Job> missing(const RoundJobs& round) const {
    std::vector<Job> jobs;
    std::unordered_set<std::string> keys;
    for (const std::vector<Job>& workloads : round)
      for (const Job& job : workloads)
        if (!store_.has(job.key) && keys.insert(job.key).second) jobs.push_back(job);
    return jobs;
  }

  std::vector<std::vector<Outcome>> outcomes(const RoundJobs& round) const {
    std::vector<std::vector<Outcome>> all;
    for (const std::vector<Job>& workloads : round) {
      std::vector<Outcome>& outcomes = all.emplace_back();
      for (const Job& job : workloads) outcomes.push_back(store_.find(job.key).value());
    }
    return all;
  }

 private:
  // A file that a design names may be missing, which is found here.
  std::string key_of(std::size_t design, std::size_t workload) {
    try {
      return run_key(search_.config_of_design(design, workload), digests_);
    } catch (const InputError& error) {
      throw InputError(sweep_.axes_place,
                       fmt::format("axes: design {}: {}", design, error.reason()));
    }
  }

  const SweepFile& sweep_;
  const Search& search_;
  Store& store_;
  ContentDigests digests_;
};

JobContext context_of(const SweepFile& sweep, const std::string& folder) {
  namespace fs = std::filesystem;
  JobContext context;
  context.folder = fs::absolute(folder).lexically_normal().string();
  context.configuration = sweep.configuration;
  for (const SweepWorkload& workload : sweep.workloads) context.workloads.push_back(workload.name);
  context.directory = fs::current_path().string();
  return context;
}

}  // namespace

SweepEnd carry_out_sweep(const SweepFile& sweep, const SweepOptions& options) {
  // A space that is refused leaves nothing.
  const OutputFolder made(options.folder, "--out " + options.folder);
  check_sweep_folder(options.folder, sweep);
  JobContext context = context_of(sweep, options.folder);
  if (options.retry) context.failed_before = time_of_day();
  Store store(options.folder, context.failed_before);
  store.refresh();
  const std::unique_ptr<SweepEngine> engine = options.engine(store, context);
  SweepState state;
  const auto tell = [&](const std::string& doing, std::size_t done, std::size_t of) {
    state.doing = doing;
    state.done = done;
    state.of = of;
    if (options.progress) options.progress(state);
  };
  const BoundDesigns in_processes =
      bound_in_processes(sweep, options.folder, options.workers, options.stop);
  const BoundDesigns bound = [&](const std::vector<std::size_t>& designs) {
    tell("bounds", 0, designs.size());
    return in_processes(designs);
  };
  Search search(sweep, bound);
  keep_sweep(options.folder, sweep);
  Rounds rounds(sweep, search, store);
  SweepEnd end;
  try {
    for (std::vector<std::size_t> designs; !(designs = search.next_round()).empty();) {
      const RoundJobs round = rounds.jobs_of(designs);
      const std::vector<Job> missing = rounds.missing(round);
      tell("runs", 0, missing.size());
      if (!missing.empty())
        engine->carry_out(missing, options.stop,
                          [&](std::size_t done) { tell("runs", done, missing.size()); });
      end.stopped = options.stop() && !rounds.missing(round).empty();
      if (end.stopped) break;
      end.violation = search.tell(rounds.outcomes(round));
      if (end.violation) break;
      const SweepProgress progress = search.progress();
      state.runs = progress.runs;
      state.pruned = progress.pruned;
      state.open = progress.open;
    }
  } catch (const Interrupted&) {
    end.stopped = true;
  }
  end.table = search.table();
  end.table.directory = options.folder;
  keep_table(options.folder, sweep, end.table);
  return end;
}

SweepTable replay_sweep(const SweepFile& sweep, const std::string& folder, int workers) {
  Store store(folder);
  store.refresh();
  Search search(sweep, bound_in_processes(sweep, folder, workers, interrupted));
  Rounds rounds(sweep, search, store);
  for (std::vector<std::size_t> designs; !(designs = search.next_round()).empty();) {
    const RoundJobs round = rounds.jobs_of(designs);
    if (!rounds.missing(round).empty() || search.tell(rounds.outcomes(round))) break;
  }
  SweepTable table = search.table();
  table.directory = folder;
  return table;
}

}  // namespace corank
