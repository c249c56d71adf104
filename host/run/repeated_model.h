// A step of a model with many equal layers from simulations of models with few: what one more layer
// adds is taken for each of the rest. The figures of such a run are estimates, and called that.
#pragma once

#include "host/config/config.h"
#include "host/report/finetune_report.h"
#include "host/run/device_figures.h"
#include "host/run/run.h"

namespace corank {

struct RepeatedModel {
  FinetuneReport report;
  DeviceFigures figures;  // from which report.device was worked out
};

/// What workload.layers: repeated gives of a model by its sizes. Throws InputError if the model has
/// fewer than four layers, would not fit the device memory, or the layers in the middle of those
/// simulated are not alike; Interrupted if it is stopped.
RepeatedModel run_repeated_model(const Config& config, const RunOptions& options);

}  // namespace corank
