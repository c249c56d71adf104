#include "host/config/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <utility>

#include "host/config/dram_keys.h"
#include "host/config/energy_keys.h"
#include "host/config/schema.h"
#include "host/config/yaml_tree.h"
#include "models/base/error.h"
#include "rtl/interface/interface.h"

namespace corank {
namespace {

// No configuration comes near it; keeps a wrong path (a model, a device) from being read to its
// end.
constexpr std::streamsize kMaxFileBytes = 1 << 20;

// ---- the schema, a function a section ----

// Of factors that tensors are multiplied with: they become FP32.
const NumberRange kFp32Range{0, std::numeric_limits<float>::max()};

NumberRange above_zero() {
  NumberRange range;
  range.least_included = false;
  return range;
}

NumberRange up_to(double most) {
  NumberRange range;
  range.most = most;
  return range;
}

/// The shape's keys in this section of the accelerator; "": those in none.
std::vector<Key> shape_keys(MachineShape& shape, const std::string& section) {
  std::vector<Key> keys;
  // The key's name within the section; "" if it is another's.
  const auto name_in = [&](const std::string& key) {
    const std::size_t dot = key.find('.');
    const std::string its = dot == std::string::npos ? "" : key.substr(0, dot);
    return its == section ? key.substr(dot + 1) : "";
  };
  for (const MachineParameter& p : kMachineParameters)
    if (const std::string name = name_in(p.key); !name.empty())
      keys.push_back(
          integer(name, shape.*p.value, {p.least, p.most, p.power_of_two}, p.unit, p.doc));
  for (const MachineChoice& c : kMachineChoices)
    if (const std::string name = name_in(c.key); !name.empty())
      keys.push_back(choice(name, shape.*c.value, {c.options.begin(), c.options.end()}, c.doc));
  return keys;
}

Key accelerator_section(MachineShape& shape, MachineLimits& limits) {
  std::vector<Key> axi = shape_keys(shape, "axi");
  axi.push_back(integer("outstanding", limits.outstanding_bursts,
                        {1, interface::kBurstsOutstanding}, "bursts",
                        "bursts in flight, of each channel"));
  axi.push_back(integer("burst_beats", limits.burst_beats, {1, 256}, "beats",
                        "longest burst; a burst never crosses 4 KiB"));
  std::vector<Key> keys = {
      number("clock_mhz", limits.clock_mhz, {1, 10000}, "MHz", "clock of the accelerator"),
      mapping("array", "the systolic array", shape_keys(shape, "array")),
      mapping("vector", "the vector unit", shape_keys(shape, "vector")),
      mapping("scratchpad", "local memory of the BF16 operands", shape_keys(shape, "scratchpad")),
      mapping("accumulator", "local memory of the FP32 sums", shape_keys(shape, "accumulator")),
      mapping("axi", "the AXI4 port to memory", std::move(axi))};
  for (Key& key : shape_keys(shape, "")) keys.push_back(std::move(key));
  return or_file(mapping("accelerator", "the accelerator", std::move(keys)));
}

Key memory_section(MemoryConfig& memory) {
  std::vector<Key> keys = {
      choice_of("kind", memory.kind, {MemoryKind::kFixedLatency, MemoryKind::kDram},
                "model of the memory"),
      untimed(text("name", memory.name, "name in reports")),
      // 2^20 MiB = 1 TiB; the addresses of the AXI4 port reach 2^48 bytes.
      integer("size_mib", memory.size_mib, {1, 1 << 20}, "MiB", "kind fixed-latency: size"),
      number("latency_ns", memory.latency_ns, up_to(1e6), "ns",
             "kind fixed-latency: from a request to its first data"),
      number("bandwidth_gb_per_s", memory.bandwidth_gb_per_s, {1e-3, 1e6}, "GB/s",
             "kind fixed-latency: peak bandwidth, 1e9 bytes a second")};
  for (Key& key : dram_keys(memory.dram)) keys.push_back(std::move(key));
  return or_file(mapping("memory", "the memory behind the AXI4 port", std::move(keys)));
}

Key link_section(LinkConfig& link) {
  return or_file(
      mapping("link", "the link between host and accelerator",
              {untimed(text("name", link.name, "name in reports")),
               number("latency_ns", link.latency_ns, up_to(1e6), "ns", "of a packet, one way"),
               number("bandwidth_gb_per_s", link.bandwidth_gb_per_s, {1e-3, 1e6}, "GB/s",
                      "each way, on the wire, 1e9 bytes a second"),
               integer("payload_bytes", link.payload_bytes, {1, 1 << 20}, "B",
                       "payload of a packet, at most"),
               integer("overhead_bytes", link.overhead_bytes, {0, 1 << 16}, "B",
                       "bytes on the wire that a packet has besides its payload"),
               untimed(text("source", link.source, "where these figures come from"))}));
}

Key schedule_section(Schedule& schedule) {
  return mapping(
      "schedule", "how the learning rate changes, as transformers' schedules do",
      {choice_of("name", schedule.kind,
                 {Schedule::Kind::kConstant, Schedule::Kind::kLinear, Schedule::Kind::kCosine},
                 "what follows the warm-up"),
       integer("warmup", schedule.warmup, {}, "steps",
               "over which the rate rises; the first step has rate 0"),
       integer("total", schedule.total, {}, "steps",
               "at whose end linear and cosine reach 0; 0: the steps of the run")});
}

Key lora_plus_section(LoraPlus& lora_plus) {
  return mapping(
      "lora_plus", "learning rates by group, as PEFT's create_loraplus_optimizer has them",
      {number("ratio", lora_plus.ratio, NumberRange{}, "",
              "learning rate of B and of every vector, over that of A and other matrices; biases "
              "do not decay; 0: one rate for all"),
       number("embedding_lr", lora_plus.embedding_lr, above_zero(), "",
              "learning rate of an embedding's adapter")});
}

Key optimizer_section(OptimizerSettings& settings) {
  NumberRange beta;
  beta.most = 1;
  beta.most_included = false;
  AdamWOptions& adamw = settings.adamw;
  SgdOptions& sgd = settings.sgd;
  return mapping(
      "optimizer", "the optimizer, with torch's names",
      {choice_of("name", settings.kind, {OptimizerKind::kAdamW, OptimizerKind::kSgd},
                 "as torch.optim.AdamW or torch.optim.SGD defines it"),
       number("lr", adamw.lr, above_zero(), "", "learning rate"),
       number_pair("betas", adamw.beta1, adamw.beta2, beta, "",
                   "adamw: decay rates of the first and the second moment"),
       number("eps", adamw.eps, above_zero(), "", "adamw: added to the denominator"),
       number("weight_decay", adamw.weight_decay, kFp32Range, "",
              "weight decay, decoupled in adamw; left out with sgd: 0"),
       number("momentum", sgd.momentum, kFp32Range, "", "sgd: factor of the momentum buffer"),
       number("dampening", sgd.dampening, kFp32Range, "",
              "sgd: what is taken off the gradient's factor in the momentum buffer"),
       boolean("nesterov", sgd.nesterov, "sgd: Nesterov's momentum"),
       schedule_section(settings.schedule), lora_plus_section(settings.lora_plus),
       number("clip_norm", settings.clip_norm, NumberRange{}, "",
              "largest norm of all gradients of a step together; 0: any"),
       integer("accumulate", settings.accumulate, {1}, "micro-batches",
               "whose gradients make one step")});
}

std::vector<Key> layer_shape(LayerShape& layer) {
  const IntegerRange size{1, 0xff'ffff};  // the sizes of a command have 24 bits
  return {text("name", layer.name, "what the layer is"),
          required(integer("in", layer.in, size, "", "input features")),
          required(integer("out", layer.out, size, "", "output features")),
          required(integer("rank", layer.rank, {0, 4096}, "", "of the adapter; 0: there is none")),
          number("alpha", layer.alpha, kFp32Range, "", "of the adapter; 0: twice the rank"),
          boolean("bias", layer.bias, "whether the layer has a bias"),
          integer("repeat", layer.repeat, {1, 1 << 16}, "", "so many of them, one after another")};
}

Key shapes_section(LayerShapes& shapes) {
  return or_file(
      mapping("shapes", "layers given by their sizes, with random values",
              {required(integer("tokens", shapes.tokens, {1, 0xff'ffff}, "", "tokens of the step")),
               integer("repeat", shapes.repeat, {1, 1 << 16}, "",
                       "the whole list so many times, one after another"),
               text_list("adapters", shapes.adapters,
                         "names of the layers that have an adapter; empty: all"),
               required(list("layers", shapes.layers, "in forward order", layer_shape))}));
}

Key transformer_section(TransformerSizes& sizes) {
  const IntegerRange size{1, 0xff'ffff};
  NumberRange rate;
  rate.most = 1;
  rate.most_included = false;
  return or_file(mapping(
      "transformer", "a whole model by its sizes, with LoRA and random tokens, to be fine-tuned",
      {required(path("config", sizes.config, "config.json of a Hugging Face model")),
       integer("batch", sizes.batch, size, "", "sequences of a micro-batch"),
       required(integer("sequence", sizes.sequence, size, "tokens", "of a sequence")),
       required(integer("rank", sizes.rank, {1, 4096}, "", "of the adapters")),
       number("alpha", sizes.alpha, kFp32Range, "", "of the adapters; 0: twice the rank"),
       number("dropout", sizes.dropout, rate, "", "of the adapters"),
       text_list("modules", sizes.modules,
                 "that have an adapter, by their last names; empty: all linears but the head")}));
}

Key workload_section(Config& config) {
  return mapping(
      "workload", "what is computed",
      {path("capture", config.capture,
            "safetensors file of a captured layer, for a step on the accelerator"),
       path_list("captures", config.captures,
                 "several captured layers in one step, in forward order"),
       shapes_section(config.shapes), transformer_section(config.transformer),
       choice_of("layers", config.layers, {Layers::kWhole, Layers::kRepeated},
                 "repeated: of many equal layers, or groups of them, a few are simulated, and the "
                 "rest is "
                 "extrapolated from them; needs --fidelity cycle and values: off"),
       choice_of("weights", config.weights, {Weights::kResident, Weights::kStreamed},
                 "where frozen weights are: in device memory, or with the host, which "
                 "sends them just ahead of their use"),
       integer("steps", config.steps, {1, 1 << 20}, "steps",
               "of what is given by size or captured; token batches give their own number"),
       integer("stream_tiles", config.stream_tiles, {1, 1024}, "tiles",
               "of the ring of device memory that they come through"),
       path("model", config.model,
            "folder of a Hugging Face model, or GGUF file of a LLaMA, to be fine-tuned"),
       choice_of(
           "quantize", config.quantize, quantizers(),
           "how plain weights of layers, or of the model's linears but the head, are packed as "
           "they are read or drawn"),
       path("adapter", config.adapter, "folder of its PEFT adapter"),
       path("batches", config.batches,
            "safetensors file of token batches, one for each micro-batch"),
       boolean("lora_fa", config.lora_fa,
               "LoRA-FA: A of every linear's LoRA stays as it is, and its input is not kept"),
       choice_of("pass", config.pass, {RunPass::kTraining, RunPass::kForward},
                 "of token batches; forward: the loss of each of them by the adapter as it is, "
                 "without dropout, and nothing is trained"),
       path("state", config.state,
            "state.safetensors of an earlier run on these batches, which this one goes on with; "
            "workload.adapter is that run's adapter"),
       integer("checkpoint", config.checkpoint, {}, "steps",
               "of a fine-tuning run, after which adapter and state are written each time; 0: at "
               "its end alone"),
       integer("seed", config.seed, IntegerRange{}, "",
               "of what is random: the adapter's dropout, the values of what is given by size"),
       choice_of(
           "recompute", config.recompute,
           {RecomputePolicy::kNone, RecomputePolicy::kAttention, RecomputePolicy::kLayers},
           "what fine-tuning does not keep for the backward pass, but computes again there, with "
           "the same bits: the probabilities of attention, or of each layer all but its input"),
       optimizer_section(config.optimizer)});
}

Key compiler_section(CompilerConfig& compiler) {
  const IntegerRange size{0, std::numeric_limits<int>::max()};
  return mapping(
      "compiler", "limits and choices of the compiler",
      {integer("scratchpad_kib", compiler.scratchpad_kib, {0, 16384}, "KiB",
               "scratchpad that programs may use; 0: all"),
       integer("accumulator_kib", compiler.accumulator_kib, {0, 16384}, "KiB",
               "accumulator memory that programs may use; 0: all"),
       boolean("rehearse", compiler.rehearse,
               "whether the blocks of products that come first by the cost rule are tried on the "
               "cycle model; false: the first is taken, in no time"),
       mapping("block", "size of the blocks that a product is computed in",
               {integer("rows", compiler.block_rows, size, "", "output rows; 0: by the cost rule"),
                integer("columns", compiler.block_columns, size, "",
                        "output columns; 0: by the cost rule"),
                integer("depth", compiler.block_depth, size, "",
                        "contraction elements; 0: by the cost rule")})});
}

Key verification_section(StallConfig& stalls, FaultConfig& faults) {
  const IntegerRange nth;
  return mapping(
      "verification", "what is done to the accelerator to test it",
      {mapping("stalls", "random stalls of the AXI channels",
               {integer("percent", stalls.percent, {0, 90}, "%",
                        "of the cycles on which a channel is held back"),
                integer("seed", stalls.seed, IntegerRange{}, "", "of their random numbers")}),
       mapping("faults", "faults of the memory; n: at the n-th burst, 0: never",
               {integer("read_error", faults.read_error, nth, "",
                        "read burst that is answered with SLVERR"),
                integer("write_error", faults.write_error, nth, "",
                        "write burst that is answered with SLVERR"),
                integer("silent_read", faults.silent_read, nth, "",
                        "read burst that is never answered")})});
}

std::vector<Key> schema_of(Config& config) {
  return {
      untimed(text("name", config.name, "name in reports")),
      accelerator_section(config.machine, config.limits),
      memory_section(config.memory),
      link_section(config.link),
      untimed(energy_section(config.energy)),
      workload_section(config),
      choice_of(
          "numerics", config.numerics, {Numerics::kBf16, Numerics::kFp32, Numerics::kFp64},
          "number formats of --fidelity reference; bf16: as the accelerator computes, which has no "
          "others"),
      on_or_off("values", config.values,
                "whether tensors are computed; off: only the time is right (--fidelity cycle)"),
      mapping("output", "what is written besides the report",
              {boolean("gradients", config.write_gradients,
                       "gradients.safetensors: those of the first step"),
               boolean("logits", config.write_logits,
                       "logits.safetensors: those of the first micro-batch, before any update")}),
      compiler_section(config.compiler),
      verification_section(config.stalls, config.faults),
      integer("watchdog_cycles", config.watchdog_cycles, {1, 1'000'000'000}, "cycles",
              "without any progress of the accelerator, after which a run is given up")};
}

// ---- files and settings ----

/// Replaces the path of a file by what the file holds, where the schema allows it. Adds the paths
/// of the files to `files`.
void splice_files(YamlNode& root, const std::vector<Key>& schema, const std::string& config_path,
                  std::vector<std::string>& files) {
  for (const Key& key : schema) {
    YamlNode* node = find(root, key.name);
    if (node == nullptr) continue;
    if (node->kind == YamlNode::Kind::kMapping && !key.is_list)
      splice_files(*node, key.keys, config_path, files);
    if (!key.may_be_file || node->kind != YamlNode::Kind::kScalar) continue;
    const bool word = !key.word.empty() && node->text == key.word;
    const std::string file = word ? key.word_file : resolve_path(*node);
    std::error_code ignored;
    if (std::filesystem::equivalent(file, config_path, ignored))
      throw InputError(node->where, key.name + ": a file cannot include itself");
    YamlNode included = parse_yaml(read_yaml_file(file, node->where), file);
    if (included.kind != YamlNode::Kind::kMapping) refuse(included, key.name, "a mapping");
    *node = std::move(included);
    files.push_back(file);
    splice_files(*node, key.keys, config_path, files);
  }
}

/// Applies "path.to.key=value". What it makes carries its location, so that the schema's errors
/// name it; a path that leads through something else than a mapping replaces that, and the schema
/// says what was expected there.
void apply_setting(YamlNode& root, const std::string& setting) {
  const SourceLocation where{"--set " + excerpt(setting), 0, 0};
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(where, "expected path.to.key=value");
  const std::string path = setting.substr(0, equals);
  YamlNode* node = &root;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    if (name.empty()) throw InputError(where, "expected path.to.key=value");
    if (node->kind != YamlNode::Kind::kMapping) {
      *node = YamlNode{};
      node->kind = YamlNode::Kind::kMapping;
      node->where = where;
    }
    if (find(*node, name) == nullptr) {
      YamlNode nothing;
      nothing.where = where;
      node->entries.push_back({name, where, std::move(nothing)});
    }
    node = find(*node, name);
    begin = end + 1;
  }
  *node = parse_yaml_value(setting.substr(equals + 1), where.file);
}

void note_places(const YamlNode& node, const std::string& path,
                 std::map<std::string, SourceLocation>& places) {
  places[path] = node.where;
  for (const YamlEntry& entry : node.entries)
    note_places(entry.value, join_path(path, entry.key), places);
}

// ---- what no single key can know ----

/// Where one of these paths is given: on the command line, which has the last word, else the first
/// of them; null: none is.
const SourceLocation* place_of_any(const std::map<std::string, SourceLocation>& places,
                                   const std::vector<std::string>& paths) {
  const SourceLocation* first = nullptr;
  for (const std::string& path : paths) {
    const auto place = places.find(path);
    if (place == places.end()) continue;
    if (place->second.line == 0) return &place->second;  // a setting
    if (first == nullptr) first = &place->second;
  }
  return first;
}

SourceLocation locate(const YamlNode& root, const std::vector<std::string>& paths) {
  std::map<std::string, SourceLocation> places;
  note_places(root, "", places);
  const SourceLocation* given = place_of_any(places, paths);
  return given != nullptr ? *given : root.where;
}

// A column of as many elements as a line has may meet two banks, but not three.
void check_banks(const YamlNode& root, const std::string& memory, int kib, int banks, int elements,
                 int element_bytes) {
  const int line_bytes = elements * element_bytes;
  const int least = banks * elements * line_bytes / 1024;  // KiB
  if (kib >= least) return;
  const std::string kib_path = "accelerator." + memory + ".kib";
  const std::string banks_path = "accelerator." + memory + ".banks";
  throw InputError(locate(root, {kib_path, banks_path, "accelerator.array.rows",
                                 "accelerator.array.columns", "accelerator.axi.data_bits"}),
                   kib_path + ": expected at least " + std::to_string(least) + " KiB, which are " +
                       std::to_string(elements) + " lines of " + std::to_string(line_bytes) +
                       " bytes for each of " + std::to_string(banks) + " banks, found " +
                       std::to_string(kib) + " KiB");
}

void check_machine(const MachineShape& shape, const YamlNode& root) {
  // The RTL would make its lines wide enough for any number of lanes, but lanes beyond what the
  // array and the bus ask for would only make the memories wider.
  MachineShape without_lanes = shape;
  without_lanes.vector_lanes = 1;
  const int elements = memory_lanes(without_lanes);
  if (shape.vector_lanes > elements)
    throw InputError(locate(root, {"accelerator.vector.lanes", "accelerator.array.rows",
                                   "accelerator.array.columns", "accelerator.axi.data_bits"}),
                     "accelerator.vector.lanes: expected at most " + std::to_string(elements) +
                         ", the elements of a memory line with " +
                         std::to_string(shape.array_rows) + " rows, " +
                         std::to_string(shape.array_columns) + " columns and " +
                         std::to_string(shape.axi_data_bits) + " AXI data bits, found " +
                         std::to_string(shape.vector_lanes));
  // A line has BF16 elements in the scratchpad, FP32 ones in the accumulator memory.
  check_banks(root, "scratchpad", shape.scratchpad_kib, shape.scratchpad_banks, elements, 2);
  check_banks(root, "accumulator", shape.accumulator_kib, shape.accumulator_banks, elements, 4);
}

void check_compiler(const Config& config, const YamlNode& root) {
  const auto check_limit = [&](const std::string& memory, int limit, int built) {
    if (limit <= built) return;
    const std::string path = "compiler." + memory + "_kib";
    throw InputError(locate(root, {path, "accelerator." + memory + ".kib"}),
                     path + ": expected at most the machine's " + std::to_string(built) +
                         " KiB, found " + std::to_string(limit));
  };
  check_limit("scratchpad", config.compiler.scratchpad_kib, config.machine.scratchpad_kib);
  check_limit("accumulator", config.compiler.accumulator_kib, config.machine.accumulator_kib);
}

void check_shapes(const LayerShapes& shapes, const YamlNode& root) {
  for (std::size_t i = 0; i < shapes.adapters.size(); ++i) {
    const std::string& name = shapes.adapters[i];
    const bool known = std::any_of(shapes.layers.begin(), shapes.layers.end(),
                                   [&](const LayerShape& layer) { return layer.name == name; });
    if (!known)
      throw InputError(locate(root, {"workload.shapes.adapters"}),
                       "workload.shapes.adapters[" + std::to_string(i) +
                           "]: no layer of workload.shapes.layers has the name '" + excerpt(name) +
                           "'");
  }
}

/// Keys that mean nothing to the chosen kind of memory are refused; what follows from a DRAM is
/// filled in.
void finish_memory(MemoryConfig& memory, const YamlNode& root) {
  const YamlNode* node = find(root, "memory");
  if (node == nullptr) return;
  const bool is_dram = memory.kind == MemoryKind::kDram;
  const auto refuse_keys = [&](std::initializer_list<const char*> keys, const char* owner) {
    for (const char* key : keys)
      if (const YamlNode* value = find(*node, key))
        throw InputError(value->where, "memory." + std::string(key) + ": belongs to kind " + owner +
                                           ", but memory.kind is " + name_of(memory.kind));
  };
  if (!is_dram) {
    refuse_keys({"device", "channels", "address_map", "page_policy", "queues"}, "dram");
    return;
  }
  refuse_keys({"size_mib", "latency_ns", "bandwidth_gb_per_s"}, "fixed-latency");
  check_dram(memory.dram, *node);
  fill_in_dram(memory);
}

/// Keys that mean nothing to the chosen optimizer are refused; the shared ones are copied.
void finish_optimizer(OptimizerSettings& settings, const YamlNode& root) {
  const YamlNode* workload = find(root, "workload");
  const YamlNode* node = workload == nullptr ? nullptr : find(*workload, "optimizer");
  if (node == nullptr) return;
  const bool is_sgd = settings.kind == OptimizerKind::kSgd;
  const auto refuse_keys = [&](std::initializer_list<const char*> keys, const std::string& owner) {
    for (const char* key : keys)
      if (const YamlNode* value = find(*node, key))
        throw InputError(value->where, "workload.optimizer." + std::string(key) + ": belongs to " +
                                           owner + ", but workload.optimizer.name is " +
                                           name_of(settings.kind));
  };
  if (is_sgd)
    refuse_keys({"betas", "eps"}, "adamw");
  else
    refuse_keys({"momentum", "dampening", "nesterov"}, "sgd");
  // torch.optim.SGD's default differs from AdamW's.
  if (is_sgd && find(*node, "weight_decay") == nullptr) settings.adamw.weight_decay = 0;
  settings.sgd.lr = settings.adamw.lr;
  settings.sgd.weight_decay = settings.adamw.weight_decay;
  if (settings.sgd.nesterov && (settings.sgd.momentum == 0 || settings.sgd.dampening != 0))
    throw InputError(find(*node, "nesterov")->where,
                     "workload.optimizer.nesterov: expected a momentum above 0 and no dampening");
}

}  // namespace

std::string read_yaml_file(const std::string& path, const SourceLocation& named_by) {
  const auto refuse_file = [&](const std::string& why) {
    const std::string what = named_by.file == path && named_by.line == 0 ? "" : "'" + path + "' ";
    throw InputError(named_by, what + "cannot be read: " + why);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) refuse_file("it is a directory");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse_file(std::strerror(errno));
  std::string text(static_cast<std::size_t>(kMaxFileBytes) + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) refuse_file(std::strerror(errno));
  if (in.gcount() > kMaxFileBytes) refuse_file("it is larger than 1 MiB, so no configuration");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

const char* name_of(Layers layers) { return layers == Layers::kRepeated ? "repeated" : "whole"; }

const char* name_of(Weights weights) {
  return weights == Weights::kStreamed ? "streamed" : "resident";
}

const char* name_of(RunPass pass) { return pass == RunPass::kForward ? "forward" : "training"; }

Config load_config(const std::string& path, const std::vector<std::string>& settings) {
  Config config;
  config.file = path;
  const std::vector<Key> schema = schema_of(config);
  YamlNode root;
  root.kind = YamlNode::Kind::kMapping;
  if (!path.empty()) root = parse_yaml(read_yaml_file(path, {path, 0, 0}), path);
  if (root.kind != YamlNode::Kind::kMapping) refuse(root, "", "a mapping");
  if (!path.empty()) config.files.push_back(path);
  splice_files(root, schema, path, config.files);
  for (const std::string& setting : settings) {
    apply_setting(root, setting);
    splice_files(root, schema, path, config.files);
  }
  note_places(root, "", config.places);
  read_mapping(schema, root, "");
  config.names_memory = find(root, "memory") != nullptr;
  finish_memory(config.memory, root);
  check_machine(config.machine, root);
  check_compiler(config, root);
  finish_energy(config.energy, root);
  check_shapes(config.shapes, root);
  finish_optimizer(config.optimizer, root);
  return config;
}

SourceLocation place_of(const Config& config, const std::string& path) {
  for (std::string above = path;; above.resize(above.rfind('.'))) {
    const auto place = config.places.find(above);
    if (place != config.places.end()) return place->second;
    if (above.find('.') == std::string::npos) break;
  }
  const auto whole = config.places.find("");
  if (whole != config.places.end() && !whole->second.file.empty()) return whole->second;
  return {config.file.empty() ? "the configuration" : config.file, 0, 0};
}

SourceLocation location_of(const Config& config, const std::vector<std::string>& keys) {
  const SourceLocation* given = place_of_any(config.places, keys);
  return given != nullptr ? *given : place_of(config, keys.front());
}

MemoryConfig load_memory(const std::string& path) {
  MemoryConfig memory;
  const std::vector<Key> schema = {memory_section(memory)};
  YamlNode file;
  file.kind = YamlNode::Kind::kScalar;
  file.text = path;
  file.where = {path, 0, 0};
  YamlNode root;
  root.kind = YamlNode::Kind::kMapping;
  root.entries.push_back({"memory", file.where, std::move(file)});
  std::vector<std::string> files;
  splice_files(root, schema, "", files);
  read_mapping(schema, root, "");
  finish_memory(memory, root);
  return memory;
}

void fill_in_dram(MemoryConfig& memory) {
  const DramConfig& dram = memory.dram;
  const DramTiming& t = dram.device.timing;
  memory.size_mib = dram.channels * dram.device.organisation.bytes() >> 20;
  memory.latency_ns = (t.tRCD_RD + t.CL + t.burst) * t.tCK_ns;
  memory.bandwidth_gb_per_s = dram.channels * dram.device.peak_gb_per_s();
}

DramDevice load_dram_device(const std::string& path) {
  DramDevice device;
  const YamlNode root = parse_yaml(read_yaml_file(path, {path, 0, 0}), path);
  read_mapping(dram_device_keys(device), root, "");
  check_dram_device(device, root, "");
  return device;
}

std::map<std::string, std::string> timed_values(
    const Config& config, const std::function<std::string(const std::string& path)>& contents_of) {
  struct Defaults {
    Config config;
    std::vector<Key> schema = schema_of(config);
  };
  static const Defaults defaults;
  Config made = config;
  made.energy = {};  // untimed, and the largest part of a schema
  return differing_values(schema_of(made), defaults.schema, contents_of);
}

struct ConfigKey::State {
  State(const std::string& given, const SourceLocation& where)
      : path(given), schema(schema_of(config)), key(key_at(schema, path, where)) {}

  std::string path;
  Config config;
  std::vector<Key> schema;  // bound to it
  const Key& key;
};

ConfigKey::ConfigKey(const std::string& path, const SourceLocation& where)
    : state_(std::make_unique<State>(path, where)) {}
ConfigKey::~ConfigKey() = default;

const Key& ConfigKey::key() const { return state_->key; }

void ConfigKey::check(const YamlNode& value) const {
  const Key& key = state_->key;
  if (!key.may_be_file) return key.read(value, state_->path);
  YamlNode root;
  root.kind = YamlNode::Kind::kMapping;
  root.entries.push_back({key.name, value.where, value});
  std::vector<std::string> files;
  splice_files(root, {key}, "", files);
  key.read(root.entries.front().value, state_->path);
}

struct AdjustableConfig::State {
  explicit State(Config given)
      : config(std::move(given)), schema{accelerator_section(config.machine, config.limits)} {}

  Config config;
  std::vector<Key> schema;  // of what can be set, bound to it
};

AdjustableConfig::AdjustableConfig(Config config)
    : state_(std::make_unique<State>(std::move(config))) {}
AdjustableConfig::~AdjustableConfig() = default;

bool AdjustableConfig::takes(const std::string& path) {
  return path.rfind("accelerator.", 0) == 0 && ConfigKey(path, {}).key().keys.empty();
}

AdjustableConfig::Set AdjustableConfig::setter_of(const std::string& path) const {
  return key_at(state_->schema, path, {}).read;
}

void AdjustableConfig::check() const {
  check_machine(state_->config.machine, {});
  check_compiler(state_->config, {});
}

const Config& AdjustableConfig::config() const { return state_->config; }

std::string describe_schema() {
  Config defaults;
  return describe(schema_of(defaults));
}

}  // namespace corank
