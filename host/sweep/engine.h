// Who carries out the exact runs of a sweep: processes of this machine, or of others.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corank {

/// One exact run: a design under one of the sweep's workloads.
struct Job {
  std::size_t design = 0, workload = 0;
  std::string key;                    // of the run (host/sweep/run_key.h)
  std::vector<std::string> settings;  // "path=value", those of the workload included
};

/// What all jobs of a sweep have in common.
struct JobContext {
  std::string folder;                  // of the sweep
  std::string configuration;           // path; "": the defaults
  std::vector<std::string> workloads;  // names
  double failed_before = 0;            // runs that failed earlier are tried again (Store)
  std::string directory;               // from which relative paths are taken
};

class SweepEngine {
 public:
  virtual ~SweepEngine() = default;
  SweepEngine(const SweepEngine&) = delete;
  SweepEngine& operator=(const SweepEngine&) = delete;

  /// Returns when the store has a line for every job, or early when stop() says so. `progress` gets
  /// the number of jobs that have one.
  virtual void carry_out(const std::vector<Job>& jobs, const std::function<bool()>& stop,
                         const std::function<void(std::size_t)>& progress) = 0;

 protected:
  SweepEngine() = default;
};

class Store;  // host/sweep/store.h

/// `workers` processes of this machine.
std::unique_ptr<SweepEngine> local_engine(Store& store, JobContext context, int workers);
/// Slurm: arrays of `workers` long jobs, again while runs are missing. carry_out() throws
/// MachineError with the missing ones when several arrays in turn brought nothing.
std::unique_ptr<SweepEngine> slurm_engine(Store& store, JobContext context, int workers);
/// The same by a command of the user's, which starts `workers` workers and ends when they have
/// ended: {n} in it stands for their number, {worker} for the command of one.
std::unique_ptr<SweepEngine> command_engine(Store& store, JobContext context, int workers,
                                            const std::string& command);

/// What a worker does (`corank sweep work FOLDER`): takes its share of what the folder's plan asks
/// for and is not in the store, chunk by chunk, `workers` runs at a time, until nothing is left or
/// `stop` says so. Throws InputError where there is no plan.
void work(const std::string& folder, int workers, const std::function<bool()>& stop);

}  // namespace corank
