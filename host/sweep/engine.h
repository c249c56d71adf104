// Who carries out the exact runs of a sweep: processes of this machine, or of others.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace corank {

/// One exact run: a design under one of the sweep's workloads.
struct Job {
  std::size_t design = 0, workload = 0;
  std::string key;                    // of the run (host/sweep/run_key.h)
  std::vector<std::string> settings;  // "path=value", those of the workload included
};

class Engine {
 public:
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Returns when the store has a line for every job, or early when stop() says so. `progress` gets
  /// the number of jobs that have one.
  virtual void carry_out(const std::vector<Job>& jobs, const std::function<bool()>& stop,
                         const std::function<void(std::size_t)>& progress) = 0;

 protected:
  Engine() = default;
};

}  // namespace corank
