// A fine-tuning run, from Hugging Face files to a trained adapter, by the reference or on the
// accelerator: what `corank run` does where the configuration names a model.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "host/config/config.h"
#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_config.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/peft_method.h"
#include "host/pages/timeline.h"
#include "host/report/finetune_report.h"
#include "host/run/prepare_finetune.h"
#include "host/run/run.h"
#include "host/run/run_files.h"
#include "models/base/tensor.h"

namespace corank {

struct FinetuneResult {
  FinetuneReport report;
  AdapterConfig adapter_config;
  AdapterPlan plan;
  TensorMap adapter;      // the trained elements, F32 by value name
  TensorMap states;       // these and the optimizer's
  FrozenTensors frozen;   // what the adapter's file has of the model: written again with it
  TensorMap gradients;    // of the first step, before clipping; F32 by value name
  SafetensorsFile state;  // for a run that goes on with it (host/run/training_state.h)
  std::optional<Timeline> timeline;  // of the first step on a device
  Tensor logits;  // of the first micro-batch, before any update; F32 [batch, seq, vocabulary]
                  // or [batch, labels]
};

/// Reads workload.model, workload.adapter and workload.batches, builds the graph, and trains by the
/// reference, or carries out the forward passes alone (workload.pass), with no states, gradients
/// and adapter in the result but what was read. `progress` is called after each step with the
/// number of steps done and the loss; `stop` is asked now and then whether to end early, with the
/// steps done by then. Writes nothing but workload.checkpoint's files in `out_directory`. Throws
/// InputError for wrong files, TrainingDiverged for a loss that is not finite and Interrupted if no
/// step was done.
FinetuneResult finetune(const Config& config,
                        const std::function<void(std::int64_t, double)>& progress = nullptr,
                        const std::function<bool()>& stop = nullptr,
                        const std::string& out_directory = "");

/// The same on the accelerator of options.fidelity, all steps in one session, with a report of what
/// they cost. A run that came to its end is compared with the reference: losses, gradients and
/// logits of the first step, adapter and moments, bit for bit; and what the device counted with
/// what the commands must cost. options.stop ends it behind a step. Of the files, waves and trace
/// (of the first step) are written, and workload.checkpoint's. Throws MachineError as well.
FinetuneResult finetune_on_device(const Config& config, const RunOptions& options, RunFiles& files);

struct FinetuneOutput {
  bool gradients = false;  // gradients.safetensors, with the names of the adapter's file
  bool logits = false;     // logits.safetensors: "logits"
};

/// Before the work: looks at the files that write_finetune() and the run will write. Throws
/// InputError.
RunFiles open_finetune_files(const Config& config, const RunOptions& options);

/// Writes DIRECTORY/report.json and report.html, of a training DIRECTORY/adapter/ and
/// DIRECTORY/state.safetensors, and what `output` asks for.
void write_finetune(const std::string& directory, const FinetuneResult& result,
                    const FinetuneOutput& output);

}  // namespace corank
