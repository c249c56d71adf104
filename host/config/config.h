// The configuration of a run: YAML, checked against a schema, into plain structs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/compiler/compiler_config.h"
#include "host/workload/layer_shapes.h"
#include "host/workload/transformer_sizes.h"
#include "models/base/error.h"
#include "models/energy/energy.h"
#include "models/graph/recompute.h"
#include "models/numerics/numerics.h"
#include "models/program/optimizer.h"
#include "models/quantized/quantize.h"
#include "sim/platform/configuration.h"

namespace corank {

struct Key;       // host/config/schema.h
struct YamlNode;  // host/config/yaml_tree.h

/// All layers are simulated, or a few of many equal ones.
enum class Layers { kWhole, kRepeated };
const char* name_of(Layers layers);

/// Where frozen weights are: in device memory, or with the host, which streams them.
enum class Weights { kResident, kStreamed };
const char* name_of(Weights weights);

/// What a run of token batches carries out.
enum class RunPass { kTraining, kForward };
const char* name_of(RunPass pass);

struct Config {
  std::string file;                // where it was read
  std::vector<std::string> files;  // all that were read: this one and those that it names
  std::map<std::string, SourceLocation> places;  // of what is given, by its path; "": of it all
  std::string name;
  MachineShape machine;
  MachineLimits limits;
  MemoryConfig memory;
  bool names_memory = false;  // whether the file or a setting says anything about the memory
  LinkConfig link;
  EnergyConfig energy;
  std::string capture;  // path of the captured layer, resolved against the working directory or the
                        // config's folder
  std::vector<std::string> captures;  // several layers in one step
  LayerShapes shapes;                 // or layers by their sizes
  TransformerSizes transformer;       // or a whole model by its sizes
  Layers layers = Layers::kWhole;
  Weights weights = Weights::kResident;
  int stream_tiles = 4;                   // of the ring that they are streamed through
  std::string model, adapter;             // folders of Hugging Face files
  std::string batches;                    // safetensors file of token batches
  Quantizer quantize = Quantizer::kNone;  // of the frozen linears
  RunPass pass = RunPass::kTraining;
  std::string state;            // of an earlier run, which this one goes on with; "": none
  std::int64_t checkpoint = 0;  // steps after which adapter and state are written; 0: at the end
  std::uint64_t seed = 0;       // of the dropout, of the values of what is given by size
  OptimizerSettings optimizer;
  bool lora_fa = false;                                // A of LoRA is not trained
  RecomputePolicy recompute = RecomputePolicy::kNone;  // of fine-tuning
  std::int64_t steps = 1;  // of what is given by size; token batches have as many as they have
  Numerics numerics = Numerics::kFp32;  // of the reference; the accelerator has bf16
  bool values = true;                   // false: only the time is simulated
  bool write_gradients = false, write_logits = false;
  CompilerConfig compiler;
  StallConfig stalls;
  FaultConfig faults;
  std::int64_t watchdog_cycles = 200000;  // without any progress of the device
};

/// Reads a configuration; with an empty path everything is the default. `settings` are
/// "path.to.key=value" as --set takes them, applied in order after the file; the value is any YAML
/// value on one line. Where memory, link or energy is a text, it is the path of another YAML file
/// that holds the mapping. Paths are relative to the file that names them, those of `settings` to
/// the working directory. Throws InputError with file:line:column (or "--set path.to.key=value")
/// and what was expected and found: unknown key, wrong type, out of range, impossible combination,
/// unreadable file, invalid YAML.
Config load_config(const std::string& path, const std::vector<std::string>& settings);

/// Where the configuration gives the value at this path, or the nearest above it that it gives.
SourceLocation place_of(const Config& config, const std::string& path);
/// Where the configuration gives one of these keys ("a.b.c"): on the command line, which has the
/// last word, else the first of them, else the file.
SourceLocation location_of(const Config& config, const std::vector<std::string>& keys);

/// Reads a memory's own file (configs/memory). Throws InputError as load_config() does.
MemoryConfig load_memory(const std::string& path);

/// Derives size, latency and bandwidth of a memory of kind dram from its device and channels.
void fill_in_dram(MemoryConfig& memory);

/// Reads a DRAM device's own file (configs/dram). Throws InputError as load_config() does.
DramDevice load_dram_device(const std::string& path);

/// What a run's time and counters depend on, in one form whatever way the configuration says it: by
/// path, the values that differ from the defaults. Of files and folders what `contents_of` says of
/// them.
std::map<std::string, std::string> timed_values(
    const Config& config, const std::function<std::string(const std::string& path)>& contents_of);

/// The text of a YAML file; `named_by` is where the user wrote its path. Throws InputError for what
/// cannot be read and for what is larger than any configuration (1 MiB).
std::string read_yaml_file(const std::string& path, const SourceLocation& named_by);

/// A key of the configuration by itself.
class ConfigKey {
 public:
  /// Throws InputError at `where` for a path that no key has.
  ConfigKey(const std::string& path, const SourceLocation& where);
  ~ConfigKey();
  ConfigKey(const ConfigKey&) = delete;
  ConfigKey& operator=(const ConfigKey&) = delete;

  /// What the schema says of it.
  const Key& key() const;
  /// Throws InputError unless it takes the value, whatever the other keys are: its type, its range,
  /// all of the file that it names where that holds a mapping.
  void check(const YamlNode& value) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A configuration whose accelerator is changed again and again, without reading a file for each:
/// of sweeps, which have millions.
class AdjustableConfig {
 public:
  using Set = std::function<void(const YamlNode& value, const std::string& path)>;

  explicit AdjustableConfig(Config config);
  ~AdjustableConfig();
  AdjustableConfig(const AdjustableConfig&) = delete;
  AdjustableConfig& operator=(const AdjustableConfig&) = delete;

  /// Of a key of the accelerator, which is not a mapping.
  static bool takes(const std::string& path);
  /// Sets the key at this path as load_config() does. Throws InputError for what it does not take.
  Set setter_of(const std::string& path) const;
  /// Throws InputError, as load_config() does, for keys that do not go together.
  void check() const;
  const Config& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Every key that a configuration may have: path, type and range, unit, default; its meaning in a
/// second line.
std::string describe_schema();

}  // namespace corank
