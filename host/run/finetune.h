// A fine-tuning run by the reference, from Hugging Face files to a trained adapter: what
// `corank run --fidelity reference` does.
#pragma once

#include <functional>
#include <string>

#include "host/config/config.h"
#include "host/huggingface/adapter_config.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/peft_method.h"
#include "host/report/finetune_report.h"
#include "host/run/run_files.h"
#include "models/base/tensor.h"

namespace corank {

struct FinetuneResult {
  FinetuneReport report;
  AdapterConfig adapter_config;
  AdapterPlan plan;
  TensorMap adapter;     // the trained elements, F32 by value name
  FrozenTensors frozen;  // what the adapter's file has of the model: written again with it
  TensorMap gradients;   // of the first step, before clipping; F32 by value name
  Tensor logits;  // of the first micro-batch, before any update; F32 [batch, seq, vocabulary]
                  // or [batch, labels]
};

/// Reads workload.model, workload.adapter and workload.batches, builds the graph, and trains.
/// `progress` is called after each step with the number of steps done and the loss; `stop` is asked
/// now and then whether to end early, with the steps done by then. Writes nothing.
/// Throws InputError for wrong files, TrainingDiverged for a loss that is not finite and
/// Interrupted if no step was done.
FinetuneResult finetune(const Config& config,
                        const std::function<void(std::int64_t, double)>& progress = nullptr,
                        const std::function<bool()>& stop = nullptr);

struct FinetuneOutput {
  bool gradients = false;  // gradients.safetensors, with the names of the adapter's file
  bool logits = false;     // logits.safetensors: "logits"
};

/// Before the work: looks at the files that write_finetune() will write. Throws InputError.
RunFiles open_finetune_files(const Config& config, const std::string& directory);

/// Writes DIRECTORY/adapter/, DIRECTORY/report.json and what `output` asks for.
void write_finetune(const std::string& directory, const FinetuneResult& result,
                    const FinetuneOutput& output);

}  // namespace corank
