#include "host/verify/layer_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>

#include "host/run/simulate.h"
#include "host/verify/draw.h"
#include "host/verify/drawn_packing.h"
#include "models/base/error.h"
#include "models/base/numerics.h"

namespace corank {
namespace {

using draw::between;
using draw::chance;
using draw::int_between;
using draw::one_of;
using draw::Random;

constexpr std::array<std::int64_t, 16> kSizes = {1,  3,  5,  7,  8,  9,  13,  16,
                                                 17, 31, 32, 33, 64, 67, 130, 257};

// AdamW of as many parameters as there are lanes, as its program takes on the vector unit.
constexpr std::int64_t kUpdateCycles = 64;

std::int64_t cycles_of(const LinearLayer& s, const MachineShape& machine) {
  const std::int64_t parameters = s.lora.rank * (s.in + s.out);
  const std::int64_t macs = 2 * s.tokens * s.in * s.out + 3 * s.tokens * parameters;
  return macs / (machine.array_rows * machine.array_columns) +
         kUpdateCycles * parameters / machine.vector_lanes;
}

// A size with the wanted remainder, or any size where the divisor has none (1 divides all).
std::int64_t size_with(Random& random, std::int64_t divisor, Remainder wanted, std::int64_t most) {
  std::vector<std::int64_t> fitting, all;
  for (const std::int64_t size : kSizes) {
    if (size > most) continue;
    all.push_back(size);
    if (remainder_of(size, divisor) == wanted) fitting.push_back(size);
  }
  return one_of(random, fitting.empty() ? all : fitting);
}

// Turns alternate: one names the remainders of (in, out), the next those of (tokens, r); the other
// two sizes are free. So 32 turns see all pairs of both.
void draw_edges(Random& random, int turn, const MachineShape& machine, LinearLayer& step) {
  const int pair = turn / 2 % 16;
  const std::int64_t most = random() % 8 == 0 ? 257 : 130;
  const auto row_size = [&](bool named) {
    return named ? size_with(random, machine.array_rows, static_cast<Remainder>(pair % 4), most)
                 : one_of(random, kSizes);
  };
  const auto column_size = [&](bool named) {
    return named ? size_with(random, machine.array_columns, static_cast<Remainder>(pair / 4), most)
                 : one_of(random, kSizes);
  };
  step.in = row_size(turn % 2 == 0);
  step.out = column_size(turn % 2 == 0);
  step.tokens = row_size(turn % 2 == 1);
  step.lora.rank = static_cast<int>(column_size(turn % 2 == 1));
}

// One of the four takes its turn at being 1, 2, 3 ...; the others are small more often than not, so
// that the step stays short.
void draw_sizes(Random& random, int number, LinearLayer& step) {
  std::array<std::int64_t, 4> drawn{};
  for (std::int64_t& size : drawn) {
    size = between(random, 1, one_of(random, std::array<int, 4>{4, 16, 64, kLargestSize}));
  }
  drawn[static_cast<std::size_t>(number / kLargestSize % 4)] = 1 + number % kLargestSize;
  step.tokens = drawn[0];
  step.in = drawn[1];
  step.out = drawn[2];
  step.lora.rank = static_cast<int>(drawn[3]);
}

void draw_step(Random& random, const CaseSource& source, int turn, LayerCase& layer) {
  LinearLayer& step = layer.layer;
  const MachineShape& machine = layer.config.machine;
  int attempts = 0;
  do {
    if (++attempts > 10000) throw MachineError("no sizes for case " + std::to_string(layer.number));
    if (source.sizes == Sizes::kAll) {
      draw_sizes(random, layer.number, step);
    } else {
      draw_edges(random, turn, machine, step);
    }
  } while (cycles_of(step, machine) > source.most_cycles);
  step.lora.alpha = static_cast<double>(between(random, 1, 32));
  step.lora.rank_stabilized = chance(random, 4);
  step.has_bias = chance(random, 2);
  step.next_update = between(random, 1, 50);
  layer.optimizer = {};
  if (chance(random, 4)) layer.optimizer.adamw.weight_decay = 0;

  layer.layers = 1;
  layer.pauses = 0;
  Config& config = layer.config;
  config.weights = Weights::kResident;
  config.link.bandwidth_gb_per_s = 64;
  if (turn % 5 >= 2) return;
  config.weights = Weights::kStreamed;
  config.stream_tiles = one_of(random, std::array<int, 4>{1, 2, 3, 8});
  config.link.bandwidth_gb_per_s = one_of(random, std::array<int, 3>{1, 4, 64});
  if (chance(random, 3)) layer.pauses = 1000;
  if (cycles_of(step, machine) < source.most_cycles / 2) layer.layers = int_between(random, 1, 3);
}

// Without the rehearsals: whether there are blocks does not depend on which are the fastest.
CompiledStep compile_quickly(const LayerCase& layer) {
  Config config = layer.config;
  config.compiler.rehearse = false;
  return compile_for(config, program_of(layer));
}

std::optional<CompiledStep> compiled(const LayerCase& layer) {
  try {
    return compile_quickly(layer);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

bool compiles(const LayerCase& layer) { return compiled(layer).has_value(); }

// A limit of the compiler: mostly none, else half of what there is or about the least that it
// accepts.
void draw_limit(Random& random, LayerCase& layer, int CompilerConfig::*limit, int built) {
  int& kib = layer.config.compiler.*limit;
  kib = 0;
  const std::uint64_t kind = random() % 4;
  if (kind > 1 || built < 2) return;
  kib = built / 2;
  if (kind == 0 && compiles(layer)) return;
  int refused = 0, accepted = built;
  while (accepted - refused > 1) {
    kib = (refused + accepted) / 2;
    (compiles(layer) ? accepted : refused) = kib;
  }
  kib = std::min(built, accepted + int_between(random, 0, 1));
}

void draw_compiler(Random& random, LayerCase& layer) {
  CompilerConfig& compiler = layer.config.compiler;
  const MachineShape& machine = layer.config.machine;
  compiler = {};
  // What is right does not depend on which blocks are the fastest, and the rehearsals that find out
  // take longer than most cases.
  compiler.rehearse = layer.number % 8 == 0;
  if (chance(random, 3)) compiler.block_rows = one_of(random, std::array<int, 3>{8, 16, 64});
  if (chance(random, 3)) compiler.block_columns = 64;
  if (chance(random, 3)) compiler.block_depth = 64;
  draw_limit(random, layer, &CompilerConfig::scratchpad_kib, machine.scratchpad_kib);
  draw_limit(random, layer, &CompilerConfig::accumulator_kib, machine.accumulator_kib);
}

// Weights of several panels, perhaps, where that does not take a remainder or a size from those
// whose turn it is. Fewer rows make up for them.
void widen_layer(draw::Packing& packing, const CaseSource& source, int turn, LayerCase& layer) {
  if (source.sizes != Sizes::kEdges || turn % 2 == 0) return;
  const std::optional<std::int64_t> wide = packing.wide_size();
  if (!wide) return;
  LinearLayer widened = layer.layer;
  widened.in = *wide;
  const auto cycles = [&] { return layer.layers * cycles_of(widened, layer.config.machine); };
  while (cycles() > source.most_cycles && widened.out > 1) widened.out /= 2;
  if (cycles() <= source.most_cycles) layer.layer = widened;
}

// Of some of the layers.
void draw_storage(draw::Packing& packing, LayerCase& layer) {
  const std::vector<bool> packed = packing.some_of(static_cast<std::size_t>(layer.layers));
  layer.storage.assign(packed.size(), std::nullopt);
  for (std::size_t i = 0; i < packed.size(); ++i)
    if (packed[i]) layer.storage[i] = packing.format({layer.layer.out, layer.layer.in});
}

// What one layer is fed with one micro-batch; `name_of` gives the names.
template <class NameOf>
void draw_activations(Random& random, const LinearLayer& layer, const NameOf& name_of,
                      TensorMap& feeds) {
  feeds[name_of("x")] = draw::bf16(random, {layer.tokens, layer.in}, 1.0f);
  feeds[name_of("dy")] = draw::bf16(random, {layer.tokens, layer.out}, 0.01f);
}

std::string prefix_of(const LayerCase& layer, int index) {
  return layer_prefix(static_cast<std::size_t>(index), static_cast<std::size_t>(layer.layers));
}

// All that is given, and what a first step of one micro-batch is fed.
TensorMap draw_inputs(Random& random, const LayerCase& layer) {
  const LinearLayer& step = layer.layer;
  TensorMap inputs;
  for (int i = 0; i < layer.layers; ++i) {
    const std::string prefix = prefix_of(layer, i);
    draw_activations(
        random, step, [&](const char* name) { return prefix + name; }, inputs);
    inputs[prefix + "weight"] = draw::bf16(random, {step.out, step.in}, 0.05f);
    if (step.has_bias) inputs[prefix + "bias"] = draw::f32(random, {step.out}, 0.1f, false);
    for (const std::string master : {"lora_A", "lora_B"}) {
      const Shape shape =
          master == "lora_A" ? Shape{step.lora.rank, step.in} : Shape{step.out, step.lora.rank};
      const std::string name = prefix + master;
      inputs[name] = draw::f32(random, shape, 0.05f, false);
      inputs[name + ".exp_avg"] = draw::f32(random, shape, 1e-3f, false);
      inputs[name + ".exp_avg_sq"] = draw::f32(random, shape, 1e-6f, true);
    }
  }
  return inputs;
}

// How many steps, with which optimizer. The first step of a case with AdamW and one micro-batch is
// that of a case of one step.
int draw_steps(Random& random, const CaseSource& source, LayerCase& layer) {
  const std::int64_t cycles = layer.layers * cycles_of(layer.layer, layer.config.machine);
  const std::int64_t most_passes = source.most_cycles / std::max<std::int64_t>(1, cycles);
  if (most_passes < 2 || !chance(random, 3)) return 1;
  const auto steps = static_cast<int>(between(random, 2, std::min<std::int64_t>(3, most_passes)));
  using Kind = Schedule::Kind;
  OptimizerSettings drawn = layer.optimizer;
  drawn.schedule.kind =
      one_of(random, std::array<Kind, 3>{Kind::kConstant, Kind::kLinear, Kind::kCosine});
  drawn.schedule.warmup = int_between(random, 0, 1);
  drawn.schedule.total = steps;
  // The special value may stand in one of AdamW's moments.
  if (layer.planted.empty() && chance(random, 2)) {
    drawn.kind = OptimizerKind::kSgd;
    drawn.sgd = draw::sgd(random);
  }
  if (most_passes >= 2 * steps && chance(random, 2))
    drawn.accumulate = between(random, 2, std::min<std::int64_t>(3, most_passes / steps));
  LayerCase other = layer;
  other.optimizer = drawn;
  if (compiles(other)) layer.optimizer = drawn;  // else in little memory only AdamW's step fits
  return steps;
}

// The first step's first micro-batch has `inputs`, every other one values of its own.
std::vector<TensorMap> draw_feeds(Random& random, const LayerCase& layer, int steps,
                                  TensorMap& inputs) {
  const TrainingProgram program = program_of(layer);
  const std::int64_t micro_batches = layer.optimizer.accumulate;
  std::vector<TensorMap> feeds;
  for (int step = 0; step < steps; ++step) {
    TensorMap& fed = feeds.emplace_back(optimizer_feeds(program, step));
    for (std::int64_t batch = 0; batch < micro_batches; ++batch) {
      const auto named = [&](const std::string& name) {
        return micro_batch_name(name, batch, micro_batches);
      };
      if (micro_batches > 1) fed[named(kShare)] = draw::f32(random, {1}, 0.5f, true);
      for (int i = 0; i < layer.layers; ++i) {
        const std::string prefix = prefix_of(layer, i);
        if (step > 0 || batch > 0) {
          draw_activations(
              random, layer.layer, [&](const char* name) { return named(prefix + name); }, fed);
          continue;
        }
        for (const char* name : {"x", "dy"}) {
          fed[named(prefix + name)] = std::move(inputs.at(prefix + name));
          inputs.erase(prefix + name);
        }
      }
    }
  }
  return feeds;
}

// What the optimizer keeps: SGD's buffer is what AdamW would have for its first moment.
void rename_moments(const LayerCase& layer, TensorMap& given) {
  if (layer.optimizer.kind != OptimizerKind::kSgd) return;
  for (int i = 0; i < layer.layers; ++i) {
    for (const char* master : {"lora_A", "lora_B"}) {
      const std::string name = prefix_of(layer, i) + master;
      given[name + ".momentum_buffer"] = std::move(given.at(name + ".exp_avg"));
      given.erase(name + ".exp_avg");
      given.erase(name + ".exp_avg_sq");
    }
  }
}

std::string describe_more_steps(const LayerCase& layer) {
  if (layer.feeds.size() == 1) return "";
  return ", " + describe_steps(layer.feeds.size(), layer.optimizer);
}

}  // namespace

Remainder remainder_of(std::int64_t size, std::int64_t divisor) {
  if (size % divisor == 0) return Remainder::kZero;
  if (size % divisor == 1) return Remainder::kOne;
  if (size % divisor == divisor - 1) return Remainder::kMinusOne;
  return Remainder::kOther;
}

LayerCase make_case(const CaseSource& source, std::uint64_t seed, int number) {
  LayerCase layer;
  Random random = draw::begin(layer, source, seed, number, 0);
  Config& config = layer.config;

  // A machine with little local memory takes some layers and blocks only, perhaps none with the
  // remainders whose turn it is.
  constexpr int kInTurn = 50, kPackedAttempts = 1000, kAttempts = 2000;
  draw::Packing packing(layer);
  int turn = number / static_cast<int>(source.machines.size());
  std::optional<CompiledStep> step;
  for (int attempt = 1;; ++attempt) {
    if (attempt > kInTurn) turn = int_between(random, 0, 31);
    draw_step(random, source, turn, layer);
    layer.storage.clear();
    if (packing.wanted() && attempt <= kPackedAttempts) {
      widen_layer(packing, source, turn, layer);
      draw_storage(packing, layer);
    }
    draw_compiler(random, layer);
    step = compiled(layer);
    if (step || attempt == kAttempts) break;
  }
  if (!step) step = compile_quickly(layer);  // says what is too small
  config.watchdog_cycles += draw::upload_cycles(config, step->memory_bytes);
  layer.given = draw_inputs(random, layer);
  layer.packed = packing.take(program_of(layer).graph, layer.given);
  if (number % 10 == 9) layer.planted = draw::plant(random, layer.given);
  packing.plant_more(layer);
  // A stream of their own: what else a seed draws does not depend on them.
  Random of_steps(layer.seed ^ 0x5374657073);
  const int steps = draw_steps(of_steps, source, layer);
  layer.feeds = draw_feeds(of_steps, layer, steps, layer.given);
  rename_moments(layer, layer.given);
  return layer;
}

TrainingProgram program_of(const LayerCase& layer) {
  std::vector<LinearLayer> layers(static_cast<std::size_t>(layer.layers), layer.layer);
  for (std::size_t i = 0; i < layer.storage.size(); ++i) layers[i].storage = layer.storage[i];
  return linear_layers(layers, layer.optimizer);
}

std::string describe(const LayerCase& layer) {
  const CompilerConfig& compiler = layer.config.compiler;
  return fmt::format("{}: {} layers of {} tokens, {} -> {}, r = {}, blocks {} x {} x {}{}{}{}",
                     describe_setting("case", layer), layer.layers, layer.layer.tokens,
                     layer.layer.in, layer.layer.out, layer.layer.lora.rank, compiler.block_rows,
                     compiler.block_columns, compiler.block_depth, describe_more_steps(layer),
                     describe_packed(layer), describe_planted(layer));
}

}  // namespace corank
