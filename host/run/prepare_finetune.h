// A fine-tuning run before its first step: from Hugging Face files to a program and its values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "host/config/config.h"
#include "host/huggingface/adapter_config.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/peft_method.h"
#include "host/report/finetune_report.h"
#include "host/run/finetune_source.h"
#include "host/run/simulate.h"
#include "host/train/batches.h"
#include "host/train/training.h"
#include "models/numerics/numerics.h"
#include "models/program/transformer_program.h"

namespace corank {

/// Whether the configuration names files to fine-tune from.
bool names_finetuning(const Config& config);

/// For the reference the program is not compiled.
struct PreparedFinetune : PreparedProgram {
  AdapterConfig adapter_config;
  AdapterPlan plan;
  FrozenTensors frozen;  // what the adapter's file has of the model
  Batches batches;
  bool forward = false;  // workload.pass: nothing is trained
  AskedResults asked;
  std::optional<std::int64_t> pad_token_id;
  TensorMap values;               // what is given once, states included
  QuantizedMap packed;            // and the frozen weights that are packed
  std::set<std::string> trained;  // the elements of the adapter, by value name
  std::int64_t vocabulary = 0;    // of a causal model
  std::int64_t first_step = 0;    // of the whole run: those before it were done by an earlier one
  std::map<std::string, std::string> identity;  // what such a one must have had in common
  FinetuneReport report;                        // what is known by now
};

/// Builds the graph of the configuration's source and of workload.pass, and what it is given,
/// rounded as `numerics` says; with workload.state what is left of an earlier run. Without values
/// nothing but the batches is given. Throws InputError for wrong files and keys.
PreparedFinetune prepare_finetune(const Config& config, Numerics numerics);
/// The same of a source at hand.
PreparedFinetune prepare_finetune(const Config& config, Numerics numerics, FinetuneSource source);

/// The same for the accelerator, compiled for the configuration's machine.
PreparedFinetune prepare_for_device(const Config& config);
PreparedFinetune prepare_for_device(const Config& config, FinetuneSource source);

/// What the steps have left behind: the trained elements and the optimizer's states.
TensorMap states_of(Executor& executor, const PreparedFinetune& prepared);

/// Loads the program and carries out its steps. Throws Interrupted if not one was done.
TrainingResult train(Executor& executor, const PreparedFinetune& prepared,
                     const std::function<void(std::int64_t, double)>& progress = nullptr);

/// The same on a device, which cannot leave a step half done: `stop` is asked before each of them.
TrainingResult train_on_device(Executor& device, const PreparedFinetune& prepared,
                               const std::function<bool()>& stop,
                               const std::function<void(std::int64_t, double)>& progress = nullptr);

/// Losses and norms of the gradients of all steps, and how many labels are correct
/// where that was counted, as halves of doubles: for comparisons of bits.
TensorMap numbers_of(const TrainingResult& trained);

}  // namespace corank
