#include "tests/bench/vector_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

#include "host/compiler/ops/op_lowering.h"
#include "host/config/config.h"
#include "host/driver/driver.h"
#include "host/run/simulate.h"
#include "models/graph/graph.h"

namespace corank::bench {
namespace {

// Values in, and one op that gives `out`.
struct SingleOp {
  std::string what;
  std::function<void(Graph&)> add;
  double bar = 0;            // cycles a beat at most; 0: none
  std::string sequence;      // the shortest one that is known
  bool is_measured = false;  // how busy the machine is with it
};

ValueId given(Graph& graph, const char* name, const Shape& shape, DType dtype = DType::BF16) {
  return add_value(graph, {name, shape, dtype, Role::kInput});
}

TrainingProgram program_of(const SingleOp& op) {
  TrainingProgram program;
  op.add(program.graph);
  for (const Op& one : program.graph.ops)
    for (const ValueId id : results_of(one)) program.graph.value(id).role = Role::kResult;
  check(program.graph);
  return program;
}

// Of what is executed for every strip, over all ops, passes and sections.
std::int64_t cycles_a_beat(const TrainingProgram& program) {
  std::int64_t cycles = 0;
  const auto add = [&](const VectorProgram& one) {
    for (const std::uint64_t word : one.instructions) {
      const interface::VectorInstruction instruction = interface::decode_vector_instruction(word);
      if (instruction.once) continue;
      cycles += interface::is_iterative(instruction.opcode) ? interface::kDivideInterval : 1;
    }
  };
  for (const OpLowering& lowering : lowerings_of(program.graph)) {
    add(lowering.program);
    for (const RegionPass& pass : lowering.passes)
      for (const RegionStep& step : pass.steps) add(step.program);
  }
  return cycles;
}

struct Busy {
  double vector = 0, memory = 0;  // shares of all cycles
  std::int64_t cycles = 0;
};

Busy run(const TrainingProgram& program) {
  const Config config = load_config("configs/cycle.yaml", {});
  const CompiledStep step = compile_for(config, program);
  PlatformConfig platform = platform_of(config);
  platform.fidelity = Fidelity::kCycle;
  StepResult result;
  run_platform(platform, [&](HostPort& port) {
    DeviceSession session(port, step, program, driver_options_of(config));
    session.load(config.machine, {});
    result = session.step({}, {});
  });
  using interface::Counter;
  const auto count = [&](Counter counter) {
    return static_cast<double>(at(result.counters, counter));
  };
  const double cycles = count(Counter::kCycles);
  return {count(Counter::kVectorBusy) / cycles,
          (count(Counter::kLoadBeats) + count(Counter::kStoreBeats)) / cycles,
          static_cast<std::int64_t>(cycles)};
}

std::vector<SingleOp> ops() {
  using F = ActivationFunction;
  const Shape mlp{512, 11008};
  const auto activation = [=](F function) {
    return [=](Graph& graph) { add_activation(graph, "out", given(graph, "in", mlp), function); };
  };
  const auto slope = [=](F function) {
    return [=](Graph& graph) {
      ActivationGradient op{given(graph, "gradient", mlp), given(graph, "in", mlp), -1, function};
      op.out = add_value(graph, {"out", mlp, DType::BF16, Role::kIntermediate});
      graph.ops.push_back(op);
    };
  };
  return {
      {"SiLU * up, 512 x 11008",
       [=](Graph& graph) {
         add_gated_activation(graph, "out", given(graph, "gate", mlp), given(graph, "up", mlp),
                              F::kSilu);
       },
       38, "34: load 2, exp 14, add, divide 15, multiply, store", true},
      {"causal softmax, 32 x 512 x 512",
       [](Graph& graph) {
         add_softmax(graph, "out", given(graph, "scores", {32, 512, 512}, DType::F32), std::nullopt,
                     true);
       },
       34, "27: mask 5, maximum, load, subtract, exp 14, store, sum, load, multiply, store", true},
      {"RMSNorm, 512 x 4096",
       [](Graph& graph) {
         add_rms_norm(graph, "out", given(graph, "in", {512, 4096}), given(graph, "weight", {4096}),
                      1e-5);
       },
       0, "7: load, multiply-add; load 2, multiply 2, store", true},
      {"LayerNorm, 512 x 768",
       [](Graph& graph) {
         add_layer_norm(graph, "out", given(graph, "in", {512, 768}), given(graph, "weight", {768}),
                        given(graph, "bias", {768}), 1e-5);
       },
       0, "", true},
      {"GELU (erf)", activation(F::kGeluErf), 0, "", false},
      {"its gradient", slope(F::kGeluErf), 0, "", false},
      {"GELU (tanh)", activation(F::kGeluTanh), 0, "", false},
      {"SiLU", activation(F::kSilu), 0, "", false},
      {"dropout, 512 x 4096",
       [](Graph& graph) {
         add_dropout(graph, "out", given(graph, "in", {512, 4096}),
                     given(graph, "step", {1}, DType::I64), 0.1, 1, 0);
       },
       0, "79: number 2, Threefry 71, xor, compare, load, multiply, select, store", true},
      {"cross-entropy, 512 x 32000",
       [](Graph& graph) {
         add_cross_entropy(graph, "out", given(graph, "logits", {512, 32000}, DType::F32),
                           given(graph, "labels", {512}, DType::I64), false);
       },
       0, "", true},
      {"rotary embedding, 32 x 512 x 128",
       [](Graph& graph) {
         add_rope(graph, "out", given(graph, "in", {32, 512, 128}), std::vector<float>(64, 0.5f));
       },
       0, "12 for both halves", true},
  };
}

}  // namespace

std::vector<Result> vector_ops() {
  using Bar = Result::Bar;
  std::vector<Result> results;
  for (const SingleOp& op : ops()) {
    const TrainingProgram program = program_of(op);
    results.push_back({op.what, static_cast<double>(cycles_a_beat(program)), "cycles a beat",
                       op.bar > 0 ? Bar::AtMost : Bar::None, op.bar, op.sequence});
    if (!op.is_measured) continue;
    const Busy busy = run(program);
    results.push_back({"  busy", 100 * std::max(busy.vector, busy.memory), "%", Bar::AtLeast, 90,
                       fmt::format("vector unit {:.1f} %, memory {:.1f} %, {} cycles",
                                   100 * busy.vector, 100 * busy.memory, busy.cycles)});
  }
  return results;
}

}  // namespace corank::bench
