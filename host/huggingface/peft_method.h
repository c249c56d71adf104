// What corank knows of a method of PEFT's: one record each. Whatever reads, trains, writes or
// reports an adapter works through its record.
#pragma once

#include <any>
#include <cstdint>
#include <string>
#include <vector>

#include "host/huggingface/adapter_config.h"
#include "host/huggingface/module_selection.h"
#include "models/base/tensor.h"
#include "models/peft/trained_parameters.h"
#include "models/transformer/transformer.h"

namespace corank {

/// What an adapter trains in one model.
struct AdapterPlan {
  const PeftMethod* method = nullptr;
  std::vector<std::string> adapted;  // modules that hold tensors of the method
  TrainedParameters parameters;      // of the model itself
  /// Values of the method's own that stay frozen, and that the adapter's file gives.
  std::vector<std::string> kept;
  /// Values of the method's own that are what they are by its definition.
  TensorMap fixed;
  std::any own;  // what apply() of the method takes
};

/// What PEFT has before the names of all tensors in its file but those that no module owns.
inline constexpr const char* kFilePrefix = "base_model.model.";

/// A trained value in PEFT's file, with the elements that it has in the graph. Preset are
/// kFilePrefix before its name, and its shape.
struct FileTensor {
  std::string name;
  Shape shape;
};

struct PeftMethod {
  const char* peft_type;  // in adapter_config.json
  const char* title;      // "LoRA", in reports
  KnownKeys keys;         // of adapter_config.json, besides those that every method has

  /// Reads those keys; the result is AdapterConfig::own. Throws InputError, naming file and key.
  void (*read)(const JsonObject& json, AdapterConfig& config);

  /// Chooses the modules, and what else is trained. `seed` is that of whatever the method draws.
  /// Throws InputError, naming the configuration and the module.
  AdapterPlan (*plan)(const AdapterConfig& config, const std::vector<ModelModule>& modules,
                      const ModelFacts& facts, std::uint64_t seed);

  /// Puts the method's own values and ops into the transformer. Values are named as the tensors of
  /// PEFT's file are, without "base_model.model."
  void (*apply)(Transformer& transformer, const AdapterPlan& plan);

  /// Changes what differs, for a trained value, of FileTensor's presets. nullptr: nothing does.
  void (*to_file)(const Value& value, const AdapterPlan& plan, FileTensor& tensor) = nullptr;

  /// Turns off what is there in training alone. nullptr: nothing is.
  void (*without_dropout)(AdapterPlan& plan) = nullptr;
};

/// All methods, in the order in which messages list them.
const std::vector<const PeftMethod*>& peft_methods();

/// What plans of methods that adapt linears alone begin with: those that the configuration means,
/// or LoRA's; modules and biases that are trained beside them.
AdapterPlan plan_of_linears(const PeftMethod& method, const AdapterConfig& config,
                            const std::vector<ModelModule>& modules, const ModelFacts& facts,
                            BiasTraining bias);

/// Rewrites the transformer as the plan says: the method's ops, then the parameters that are
/// trained beside them.
void apply_adapter(Transformer& transformer, const AdapterPlan& plan);

}  // namespace corank
