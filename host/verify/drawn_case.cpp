#include "host/verify/drawn_case.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <random>

#include "host/verify/case_memory.h"
#include "host/verify/layer_case.h"
#include "models/base/numerics.h"

namespace corank {

std::string describe_setting(const char* kind, const DrawnCase& drawn) {
  const Config& config = drawn.config;
  const MachineShape& m = config.machine;
  const std::string streamed =
      config.weights == Weights::kStreamed
          ? fmt::format(", streamed through {} tiles at {} GB/s, pauses up to {}",
                        config.stream_tiles, config.link.bandwidth_gb_per_s, drawn.pauses)
          : "";
  return fmt::format(
      "{} {} (seed {}): {}x{}, AXI {}, limits {} {} KiB, {} bursts of {} beats, {}, link {} ns, "
      "stalls {} %{}",
      kind, drawn.number, drawn.seed, m.array_rows, m.array_columns, m.axi_data_bits,
      config.compiler.scratchpad_kib, config.compiler.accumulator_kib,
      config.limits.outstanding_bursts, config.limits.burst_beats, describe(config.memory),
      config.link.latency_ns, config.stalls.percent, streamed);
}

std::string describe_planted(const DrawnCase& drawn) {
  return drawn.planted.empty() ? "" : ", planted " + drawn.planted;
}

std::string describe_steps(std::size_t steps, const OptimizerSettings& optimizer) {
  std::string text = fmt::format("{} steps of {}", steps, name_of(optimizer.kind));
  if (optimizer.kind == OptimizerKind::kSgd)
    text += fmt::format(" (momentum {}, dampening {}, weight decay {}{})", optimizer.sgd.momentum,
                        optimizer.sgd.dampening, optimizer.sgd.weight_decay,
                        optimizer.sgd.nesterov ? ", Nesterov" : "");
  return text + fmt::format(", {} micro-batches, {} learning rate, {} steps of warm-up",
                            optimizer.accumulate, name_of(optimizer.schedule.kind),
                            optimizer.schedule.warmup);
}

namespace draw {
namespace {

MemoryConfig draw_memory(Random& random, const CaseSource& source) {
  if (source.memory && chance(random, 2)) return *source.memory;
  return chance(random, 2) ? draw_dram(random, source.drams) : draw_fixed_latency(random);
}

}  // namespace

Tensor bf16(Random& random, const Shape& shape, float scale) {
  Tensor tensor(DType::BF16, shape);
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    tensor.data<std::uint16_t>()[i] = round_to_bf16(scale * normal(random));
  }
  return tensor;
}

Tensor f32(Random& random, const Shape& shape, float scale, bool positive) {
  Tensor tensor(DType::F32, shape);
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    const float value = scale * normal(random);  // 24 significant bits: not a BF16 number
    tensor.data<float>()[i] = positive ? std::fabs(value) : value;
  }
  return tensor;
}

// Puts one special value somewhere; returns what and where.
std::string plant(Random& random, TensorMap& inputs) {
  struct Special {
    const char* name;
    std::uint32_t bits;
    std::uint16_t f16;
  };
  constexpr std::array<Special, 9> specials = {{{"+0", 0x00000000, 0x0000},
                                                {"-0", 0x80000000, 0x8000},
                                                {"subnormal", 0x00010000, 0x0001},
                                                {"negative subnormal", 0x807F0000, 0x83FF},
                                                {"largest", 0x7F7F0000, 0x7BFF},
                                                {"smallest normal", 0x00800000, 0x0400},
                                                {"+inf", 0x7F800000, 0x7C00},
                                                {"-inf", 0xFF800000, 0xFC00},
                                                {"NaN", 0x7FA50000, 0x7D25}}};
  const Special special = one_of(random, specials);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : inputs) names.push_back(name);
  const std::string name = one_of(random, names);
  Tensor& tensor = inputs.at(name);
  const std::int64_t place = between(random, 0, element_count(tensor.shape) - 1);
  if (tensor.dtype == DType::BF16) {
    tensor.data<std::uint16_t>()[place] = static_cast<std::uint16_t>(special.bits >> 16);
  } else if (tensor.dtype == DType::F16) {
    tensor.data<std::uint16_t>()[place] = special.f16;
  } else {
    tensor.data<std::uint32_t>()[place] = special.bits;
  }
  return fmt::format("{} in {} at {}", special.name, name, place);
}

RecomputePolicy recompute_policy(Random& random) {
  return one_of(random,
                std::array<RecomputePolicy, 3>{RecomputePolicy::kNone, RecomputePolicy::kAttention,
                                               RecomputePolicy::kLayers});
}

SgdOptions sgd(Random& random) {
  SgdOptions drawn;
  drawn.lr = 0.05;
  if (chance(random, 2)) drawn.weight_decay = 0.1;
  if (chance(random, 4)) return drawn;
  drawn.momentum = 0.9;
  drawn.nesterov = chance(random, 3);
  if (!drawn.nesterov && chance(random, 2)) drawn.dampening = 0.25;
  return drawn;
}

void surroundings(Random& random, const CaseSource& source, Config& config) {
  config.limits.clock_mhz = source.clock_mhz;
  config.limits.outstanding_bursts = int_between(random, 1, 16);
  config.limits.burst_beats = one_of(random, std::array<int, 5>{1, 2, 7, 64, 256});
  config.memory = draw_memory(random, source);
  if (chance(random, 2)) {
    config.stalls.percent = int_between(random, 1, 60);
    config.stalls.seed = random();
  }
}

Random begin(DrawnCase& drawn, const CaseSource& source, std::uint64_t seed, int number,
             std::uint64_t stream) {
  drawn.number = number;
  drawn.seed = seed * 1000003 + static_cast<std::uint64_t>(number);
  // A far host makes a case long, not different: between its accesses nothing happens. By the seed
  // itself, so that nothing else of the case depends on it.
  drawn.config.link.latency_ns = std::array<int, 4>{1, 10, 50, 250}[drawn.seed / 7 % 4];
  Random random(drawn.seed ^ stream);
  drawn.config.machine = source.machines[static_cast<std::size_t>(number) % source.machines.size()];
  surroundings(random, source, drawn.config);
  return random;
}

std::int64_t upload_cycles(const Config& config, std::uint64_t bytes) {
  const MemoryConfig& memory = config.memory;
  double ns_per_byte = 1 / memory.bandwidth_gb_per_s;
  if (memory.kind == MemoryKind::kDram) {
    const DramDevice& device = memory.dram.device;
    // Every access opens a row of one bank, between turns of the bus and refreshes.
    ns_per_byte = 4 * device.timing.tRC * device.timing.tCK_ns / device.organisation.access_bytes;
  }
  return static_cast<std::int64_t>(static_cast<double>(bytes) * ns_per_byte *
                                   config.limits.clock_mhz / 1000);
}

}  // namespace draw
}  // namespace corank
