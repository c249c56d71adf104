#include "host/sweep/local_engine.h"

#include <chrono>
#include <new>
#include <utility>

#include "host/config/config.h"
#include "host/sweep/forked.h"
#include "host/sweep/run_key.h"
#include "host/sweep/store.h"
#include "models/base/error.h"
#include "sim/system/interruption.h"

namespace corank {
namespace {

Outcome outcome_of(const Job& job, const JobContext& context, ContentDigests& digests) {
  Outcome outcome;
  const auto end = [&](DesignStatus status, const std::string& reason) {
    outcome.status = status;
    outcome.reason = reason;
    return outcome;
  };
  try {
    const Config config = load_config(context.configuration, job.settings);
    if (run_key(config, digests) != job.key)
      throw StoreError("design " + std::to_string(job.design) +
                       " is not the one that was planned: a file that it names has changed, or "
                       "this is another version of corank");
    outcome.figures = measure_design(config);
    return outcome;
  } catch (const InputError& error) {
    return end(DesignStatus::kInfeasible, error.reason());
  } catch (const StoreError&) {
    throw;
  } catch (const MachineError& error) {
    return end(DesignStatus::kFailed, error.what());
  } catch (const std::bad_alloc&) {
    return end(DesignStatus::kFailed, "out of memory");
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    return end(DesignStatus::kFailed, std::string("internal fault: ") + error.what());
  }
}

class LocalEngine : public SweepEngine {
 public:
  LocalEngine(Store& store, JobContext context, int workers)
      : store_(store), context_(std::move(context)), workers_(workers) {}

  void carry_out(const std::vector<Job>& jobs, const std::function<bool()>& stop,
                 const std::function<void(std::size_t)>& progress) override {
    carry_out_locally(jobs, context_, workers_, stop, progress);
    store_.refresh();
  }

 private:
  Store& store_;
  JobContext context_;
  int workers_;
};

}  // namespace

void carry_out_locally(const std::vector<Job>& jobs, const JobContext& context, int workers,
                       const std::function<bool()>& stop,
                       const std::function<void(std::size_t)>& progress) {
  // Each process has a copy of its own of these, from when it is forked.
  SegmentWriter segment(context.folder);
  ContentDigests digests;
  std::size_t ended = 0;
  const auto run = [&](std::size_t i) {
    const Job& job = jobs[i];
    const double start = time_of_day();
    const auto began = std::chrono::steady_clock::now();
    const Outcome outcome = outcome_of(job, context, digests);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
    segment.append(job, context.workloads.at(job.workload), outcome, taken.count(), start);
    return std::string();
  };
  const auto done = [&](std::size_t i, const TaskEnd& end) {
    if (!end.failure.empty()) {
      Outcome failed;
      failed.status = DesignStatus::kFailed;
      failed.reason = "its process ended again and again: " + end.failure;
      segment.append(jobs[i], context.workloads.at(jobs[i].workload), failed, 0, time_of_day());
    }
    if (progress) progress(++ended);
  };
  carry_out_forked(jobs.size(), workers, run, done, stop);
}

std::unique_ptr<SweepEngine> local_engine(Store& store, JobContext context, int workers) {
  return std::make_unique<LocalEngine>(store, std::move(context), workers);
}

}  // namespace corank
