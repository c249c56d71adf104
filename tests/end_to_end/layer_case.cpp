#include "tests/end_to_end/layer_case.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

#include "host/compiler/compiler.h"
#include "host/driver/account.h"
#include "host/driver/driver.h"
#include "host/run/compare.h"
#include "host/run/simulate.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/reference/bit_exact.h"
#include "sim/machine/build.h"
#include "sim/platform/platform.h"

namespace corank::test {
namespace {

using Random = std::mt19937_64;

constexpr std::array<std::int64_t, 15> kSizes = {1,  3,  5,  7,  8,  9,   16, 17,
                                                 31, 32, 33, 64, 67, 130, 257};

std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

template <class List>
auto one_of(Random& random, const List& list) {
  return list[random() % list.size()];
}

std::int64_t cycles_of(const LayerStep& s, const MachineShape& machine) {
  const std::int64_t macs =
      2 * s.tokens * s.in * s.out + 3 * s.tokens * s.lora.rank * (s.in + s.out);
  return macs / (machine.array_rows * machine.array_columns);
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
void draw_edges(Random& random, int turn, const MachineShape& machine, LayerStep& step) {
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
void draw_sizes(Random& random, int number, LayerStep& step) {
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

Tensor random_bf16(Random& random, const Shape& shape, float scale) {
  Tensor tensor(DType::BF16, shape);
  std::normal_distribution<float> normal;
  for (std::int64_t i = 0; i < element_count(shape); ++i) {
    tensor.data<std::uint16_t>()[i] = round_to_bf16(scale * normal(random));
  }
  return tensor;
}

Tensor random_f32(Random& random, const Shape& shape, float scale, bool positive) {
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
  };
  constexpr std::array<Special, 9> specials = {{{"+0", 0x00000000},
                                                {"-0", 0x80000000},
                                                {"subnormal", 0x00010000},
                                                {"negative subnormal", 0x807F0000},
                                                {"largest", 0x7F7F0000},
                                                {"smallest normal", 0x00800000},
                                                {"+inf", 0x7F800000},
                                                {"-inf", 0xFF800000},
                                                {"NaN", 0x7FA50000}}};
  const Special special = one_of(random, specials);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : inputs) names.push_back(name);
  const std::string name = one_of(random, names);
  Tensor& tensor = inputs.at(name);
  const std::int64_t place = between(random, 0, element_count(tensor.shape) - 1);
  if (tensor.dtype == DType::BF16) {
    tensor.data<std::uint16_t>()[place] = static_cast<std::uint16_t>(special.bits >> 16);
  } else {
    tensor.data<std::uint32_t>()[place] = special.bits;
  }
  return fmt::format("{} in {} at {}", special.name, name, place);
}

bool all_finite(const TensorMap& values) {
  for (const auto& [name, tensor] : values) {
    for (std::int64_t i = 0; i < element_count(tensor.shape); ++i) {
      const float value = tensor.dtype == DType::BF16 ? widen(tensor.data<std::uint16_t>()[i])
                                                      : tensor.data<float>()[i];
      if (!std::isfinite(value)) return false;
    }
  }
  return true;
}

struct Simulated {
  Graph graph;
  CompiledStep step;
  StepResult result;
};

Simulated simulate(const LayerCase& layer) {
  Simulated s;
  s.graph = graph_of(layer);
  s.step = compile_for(layer.config, s.graph);
  PlatformConfig platform = platform_of(layer.config);
  platform.machine_library = library_of(layer.config.machine);
  run_platform(platform, [&](HostPort& port) {
    PausingHost host(port, layer.pauses, layer.seed);
    s.result = run_step(host, s.step, s.graph, layer.config.machine, layer.inputs,
                        driver_options_of(layer.config));
  });
  return s;
}

// Empty if everything is equal.
std::string differences(const LayerCase& layer) {
  const auto [graph, step, result] = simulate(layer);
  TensorMap reference = layer.inputs;
  run_bit_exact(graph, reference);
  std::string text;
  for (const ComparisonReport& comparison : compare_bits(graph, result.results, reference)) {
    if (comparison.mismatches == 0) continue;
    text += fmt::format("{}: {} of {} elements differ, first {}\n", comparison.tensor,
                        comparison.mismatches, comparison.elements, comparison.first_mismatch);
  }
  for (const auto& [counter, expected] :
       account(step, layer.config.machine, layer.config.limits.burst_beats)) {
    const auto index = static_cast<std::size_t>(counter);
    if (result.counters[index] == expected) continue;
    text += fmt::format("counter {}: device {}, by the commands {}\n",
                        interface::kCounterNames[index], result.counters[index], expected);
  }
  return text;
}

std::string record(const LayerCase& layer) {
  const StepResult result = simulate(layer).result;
  std::string text;
  for (std::size_t i = 0; i < result.counters.size(); ++i) {
    text += fmt::format("counter {}: {}\n", interface::kCounterNames[i], result.counters[i]);
  }
  for (const auto& [name, tensor] : result.results) {
    text += name + ":";
    const auto count = static_cast<std::size_t>(element_count(tensor.shape));
    for (std::size_t i = 0; i < count; ++i) {
      text += tensor.dtype == DType::BF16 ? fmt::format(" {:04x}", tensor.data<std::uint16_t>()[i])
                                          : fmt::format(" {:08x}", tensor.data<std::uint32_t>()[i]);
    }
    text += "\n";
  }
  return text;
}

struct ChildEnd {
  bool normal = false;
  std::string text;
};

// What `work` returns, or the text of what it throws, from a process of its own.
ChildEnd in_child(const std::function<std::string()>& work) {
  int channel[2];
  if (pipe(channel) != 0) throw MachineError("no pipe for a test case");
  const pid_t child = fork();
  if (child == 0) {
    close(channel[0]);
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {
      text = error.what();
    }
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t written = write(channel[1], text.data() + done, text.size() - done);
      if (written <= 0) _exit(1);
      done += static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(channel[1]);
  ChildEnd end;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while ((size = read(channel[0], buffer.data(), buffer.size())) > 0) {
    end.text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  end.normal = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return end;
}

}  // namespace

Remainder remainder_of(std::int64_t size, std::int64_t divisor) {
  if (size % divisor == 0) return Remainder::kZero;
  if (size % divisor == 1) return Remainder::kOne;
  if (size % divisor == divisor - 1) return Remainder::kMinusOne;
  return Remainder::kOther;
}

std::vector<MachineShape> test_machines() {
  const auto machine = [](int rows, int columns, int lanes, int axi, int scratchpad,
                          int accumulator, int queue) {
    MachineShape shape;
    shape.array_rows = rows;
    shape.array_columns = columns;
    shape.vector_lanes = lanes;
    shape.axi_data_bits = axi;
    shape.scratchpad_kib = scratchpad;
    shape.accumulator_kib = accumulator;
    shape.queue_depth = queue;
    return shape;
  };
  return {machine(1, 1, 1, 64, 64, 64, 1), machine(3, 5, 4, 128, 64, 64, 2),
          machine(4, 4, 4, 64, 64, 64, 4), machine(8, 8, 8, 128, 64, 64, 4),
          machine(16, 8, 8, 512, 128, 128, 4)};
}

LayerCase make_case(std::uint64_t seed, int number, std::int64_t most_cycles, Sizes sizes) {
  LayerCase layer;
  layer.seed = seed * 1000003 + static_cast<std::uint64_t>(number);
  Random random(layer.seed);
  const auto machines = test_machines();
  const int turn = number / static_cast<int>(machines.size());
  MachineShape& machine = layer.config.machine;
  machine = machines[static_cast<std::size_t>(number) % machines.size()];

  LayerStep& step = layer.step;
  int attempts = 0;
  do {
    if (++attempts > 10000) throw MachineError("no sizes for case " + std::to_string(number));
    if (sizes == Sizes::kAll) {
      draw_sizes(random, number, step);
    } else {
      draw_edges(random, turn, machine, step);
    }
  } while (cycles_of(step, machine) > most_cycles);
  step.lora.alpha = static_cast<double>(between(random, 1, 32));
  step.lora.rank_stabilized = random() % 4 == 0;
  step.has_bias = random() % 2 == 0;
  step.step = between(random, 1, 50);
  if (random() % 4 == 0) step.adamw.weight_decay = 0;

  Config& config = layer.config;
  config.memory.size_mib = 64;
  config.memory.latency_ns = static_cast<double>(between(random, 0, 300));
  config.memory.bandwidth_gb_per_s = static_cast<double>(between(random, 1, 64));
  config.link.bandwidth_gb_per_s = 64;
  config.limits.outstanding_bursts = static_cast<int>(between(random, 1, 16));
  config.limits.burst_beats =
      static_cast<int>(one_of(random, std::array<int, 5>{1, 2, 7, 64, 256}));
  if (random() % 2 == 0) {
    config.stalls.percent = static_cast<int>(between(random, 1, 60));
    config.stalls.seed = random();
  }
  if (random() % 3 == 0)
    config.compiler.block_rows = static_cast<int>(one_of(random, std::array<int, 3>{8, 16, 64}));
  if (random() % 3 == 0) config.compiler.block_columns = 64;
  if (random() % 3 == 0) config.compiler.block_depth = 64;
  if (random() % 4 == 0) config.compiler.scratchpad_kib = machine.scratchpad_kib / 2;
  if (random() % 4 == 0) config.compiler.accumulator_kib = machine.accumulator_kib / 2;

  if (number / 5 % 5 < 2) {
    config.weights = "streamed";
    config.stream_tiles = static_cast<int>(one_of(random, std::array<int, 4>{1, 2, 3, 8}));
    config.link.bandwidth_gb_per_s =
        static_cast<double>(one_of(random, std::array<int, 3>{1, 4, 64}));
    if (random() % 3 == 0) layer.pauses = 5000;
    if (cycles_of(step, machine) < most_cycles / 2)
      layer.layers = static_cast<int>(between(random, 1, 3));
  }

  for (int i = 0; i < layer.layers; ++i) {
    const std::string prefix =
        layer_prefix(static_cast<std::size_t>(i), static_cast<std::size_t>(layer.layers));
    layer.inputs[prefix + "x"] = random_bf16(random, {step.tokens, step.in}, 1.0f);
    layer.inputs[prefix + "dy"] = random_bf16(random, {step.tokens, step.out}, 0.01f);
    layer.inputs[prefix + "weight"] = random_bf16(random, {step.out, step.in}, 0.05f);
    if (step.has_bias) layer.inputs[prefix + "bias"] = random_f32(random, {step.out}, 0.1f, false);
    for (const std::string master : {"lora_A", "lora_B"}) {
      const Shape shape =
          master == "lora_A" ? Shape{step.lora.rank, step.in} : Shape{step.out, step.lora.rank};
      const std::string name = prefix + master;
      layer.inputs[name] = random_f32(random, shape, 0.05f, false);
      layer.inputs[name + ".exp_avg"] = random_f32(random, shape, 1e-3f, false);
      layer.inputs[name + ".exp_avg_sq"] = random_f32(random, shape, 1e-6f, true);
    }
  }
  if (number % 10 == 9) layer.planted = plant(random, layer.inputs);
  return layer;
}

const std::string& library_of(const MachineShape& shape) {
  static std::map<std::string, std::string> libraries;
  std::string& library = libraries[fmt::format(
      "{} {} {} {} {} {} {} {} {} {}", shape.array_rows, shape.array_columns, shape.vector_lanes,
      shape.scratchpad_kib, shape.scratchpad_banks, shape.accumulator_kib, shape.accumulator_banks,
      shape.axi_data_bits, shape.queue_depth, shape.mac)];
  if (library.empty()) library = machine_library(shape);
  return library;
}

Graph graph_of(const LayerCase& layer) {
  return build_layer_steps(
      std::vector<LayerStep>(static_cast<std::size_t>(layer.layers), layer.step));
}

void PausingHost::write_register(std::uint32_t offset, std::uint32_t value) {
  if (offset == interface::kRegStreamWritten && most_cycles_ > 0) {
    const auto pause =
        static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most_cycles_));
    if (host_.wait_interrupt(pause)) interrupted_ = true;
  }
  host_.write_register(offset, value);
}

bool PausingHost::wait_interrupt(std::int64_t timeout) {
  if (interrupted_) {
    interrupted_ = false;
    return true;
  }
  return host_.wait_interrupt(timeout);
}

CaseResult run_case(const LayerCase& layer) {
  library_of(layer.config.machine);  // here, so that the next case's process knows it
  const ChildEnd end = in_child([&] { return differences(layer); });
  CaseResult result;
  result.message = end.text;
  if (!end.normal) result.message += "the simulation's process ended abnormally\n";
  result.equal = result.message.empty();
  TensorMap reference = layer.inputs;
  run_bit_exact(graph_of(layer), reference);
  result.finite = all_finite(reference);
  return result;
}

std::string run_and_record(const LayerCase& layer) {
  library_of(layer.config.machine);
  const ChildEnd end = in_child([&] { return record(layer); });
  if (!end.normal || end.text.rfind("counter ", 0) != 0) {
    throw MachineError("no record of a test case: " + end.text);
  }
  return end.text;
}

std::string describe(const LayerCase& layer, int number) {
  const MachineShape& m = layer.config.machine;
  return fmt::format(
      "case {} (seed {}): {}x{}, AXI {}, {} tokens, {} -> {}, r = {}, stalls {} %, blocks {} x {} "
      "x {}, limits {} / {} KiB{}{}{}",
      number, layer.seed, m.array_rows, m.array_columns, m.axi_data_bits, layer.step.tokens,
      layer.step.in, layer.step.out, layer.step.lora.rank, layer.config.stalls.percent,
      layer.config.compiler.block_rows, layer.config.compiler.block_columns,
      layer.config.compiler.block_depth, layer.config.compiler.scratchpad_kib,
      layer.config.compiler.accumulator_kib,
      layer.config.weights == "streamed"
          ? fmt::format(", {} layers streamed through {} tiles at {} GB/s, pauses up to {}",
                        layer.layers, layer.config.stream_tiles,
                        layer.config.link.bandwidth_gb_per_s, layer.pauses)
          : "",
      layer.planted.empty() ? "" : ", planted ", layer.planted);
}

}  // namespace corank::test
