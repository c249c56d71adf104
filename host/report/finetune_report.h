// What a fine-tuning run found out: plain data, written as JSON and as a short table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/report/device_report.h"
#include "host/train/evaluation.h"
#include "models/graph/account.h"
#include "models/graph/recompute.h"

namespace corank {

struct FinetuneReport {
  std::string name, config_file;
  std::string fidelity;  // "reference", "rtl", "cycle"
  std::string numerics;  // "fp32", "fp64", "bf16"
  bool values = true;    // whether tensors were computed: without, no losses
  std::string model, model_type, adapter, batches;
  std::int64_t batch = 0, sequence = 0;  // of a micro-batch
  std::int64_t accumulate = 1;           // micro-batches of a step
  bool incomplete = false;               // the run was stopped: the steps up to then
  std::int64_t steps_asked = 0;
  std::int64_t steps_before = 0;  // of them an earlier run has done
  std::string method;             // "LoRA"
  std::int64_t adapted_modules = 0;

  std::vector<std::string> notes;  // what the user's files say and the run did not do

  std::string optimizer, schedule;
  std::int64_t steps = 0;              // of this run that came to their end
  std::vector<double> losses;          // of each step of this run, before its update
  std::vector<double> learning_rates;  // of each step
  std::vector<double> gradient_norms;  // of each step, before clipping
  double seconds = 0;                  // wall time of all steps

  std::optional<Evaluation> evaluation;  // of forward passes alone: rates and norms mean nothing

  StepAccount account;  // of one micro-batch, from the shapes, in the bf16 numerics
  RecomputePolicy recompute = RecomputePolicy::kNone;
  std::optional<StepAccount> without_recompute;  // with a policy: if everything were kept
  // Of the reference: as really allocated, in the run's numerics.
  std::optional<std::int64_t> measured_peak_bytes;
  std::optional<DeviceReport> device;  // of a run on the accelerator

  /// Of the reference always.
  bool passed() const { return !device || device->passed(); }
};

nlohmann::ordered_json to_json(const FinetuneReport& report);

/// A few lines for the terminal, ending with a newline.
std::string to_table(const FinetuneReport& report);

}  // namespace corank
