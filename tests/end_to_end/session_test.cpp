// Steps of a program in one session: the device goes on with the states that it keeps, bit for bit
// as the reference does, and nothing but what is new crosses the link.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "host/driver/device_executor.h"
#include "models/base/error.h"
#include "models/base/numerics.h"
#include "models/program/linear_layers.h"
#include "models/reference/reference_executor.h"
#include "sim/platform/forwarding_host.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

Tensor random_tensor(const Value& value, std::mt19937_64& generator) {
  Tensor tensor(value.dtype, value.shape);
  std::normal_distribution<float> normal(0, 0.3f);
  for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
    if (value.dtype == DType::F32)
      tensor.data<float>()[i] = std::abs(normal(generator));  // second moments among them
    else
      tensor.data<std::uint16_t>()[i] = round_to_bf16(normal(generator));
  }
  return tensor;
}

LinearLayer layer(std::int64_t tokens, std::int64_t in, std::int64_t out, int rank) {
  LinearLayer made;
  made.tokens = tokens;
  made.in = in;
  made.out = out;
  made.has_bias = true;
  made.lora = {8, rank, false};
  made.next_update = 3;
  return made;
}

/// What a step is fed: other activations and gradients each time.
TensorMap feeds_of(const TrainingProgram& program, std::int64_t step) {
  TensorMap feeds = optimizer_feeds(program, step);
  std::mt19937_64 generator(static_cast<std::uint64_t>(step) + 100);
  for (const Value& value : program.graph.values) {
    if (!is_fed(value) || feeds.count(value.name) > 0) continue;
    feeds[value.name] = random_tensor(value, generator);  // shares too
  }
  return feeds;
}

TensorMap given_of(const TrainingProgram& program) {
  TensorMap given;
  std::mt19937_64 generator(7);
  for (const Value& value : program.graph.values) {
    if (!is_computed(value) && !is_fed(value)) given[value.name] = random_tensor(value, generator);
  }
  return given;
}

/// The first value in which two differ; "": none.
std::string difference(const TensorMap& found, const TensorMap& expected) {
  if (found.size() != expected.size()) return "there are other values";
  for (const auto& [name, tensor] : expected) {
    if (found.at(name).bytes != tensor.bytes) return name;
  }
  return "";
}

/// Counts what is sent to memory.
class CountingHost : public ForwardingHost {
 public:
  using ForwardingHost::ForwardingHost;
  void write_memory(std::uint64_t address, const std::vector<std::uint8_t>& bytes) override {
    written += bytes.size();
    ForwardingHost::write_memory(address, bytes);
  }
  std::uint64_t written = 0;
};

struct Session {
  Fidelity fidelity = Fidelity::kCycle;
  int steps = 20;
  bool streamed = false;
};

/// Where the device goes another way than the reference; "": nowhere.
std::string difference_in(const std::vector<LinearLayer>& layers,
                          const OptimizerSettings& optimizer, const Session& session) {
  const TrainingProgram program = linear_layers(layers, optimizer);
  const TensorMap given = given_of(program);
  PlatformConfig platform;
  platform.shape = test_machines().at(2);
  platform.fidelity = session.fidelity;
  if (session.fidelity == Fidelity::kRtl) platform.machine_library = library_of(platform.shape);
  DriverOptions options;
  options.memory_size_bytes = static_cast<std::uint64_t>(platform.memory.size_mib) << 20;
  CompilerConfig limits;
  limits.rehearse = false;
  const CompiledStep step =
      compile(program, platform.shape, limits, options.memory_size_bytes, {session.streamed, 2});
  std::set<std::string> asked, states;
  for (const Value& value : program.graph.values) {
    if (value.role == Role::kResult) asked.insert(value.name);
  }
  for (const State& state : program.states) states.insert(program.graph.value(state.value).name);

  ReferenceExecutor reference(program, Numerics::kBf16);
  reference.load(given);
  std::string found;
  run_platform(platform, [&](HostPort& port) {
    CountingHost host(port);
    DeviceExecutor device(host, step, program, platform.shape, options);
    device.load(given);
    const LinkBytes bytes = expected_link_bytes(step, program, {});
    if (host.written != bytes.loaded) found = "bytes that are loaded";
    for (int i = 0; i < session.steps && found.empty(); ++i) {
      const std::uint64_t before = host.written;
      const TensorMap feeds = feeds_of(program, i);
      const ExecutedStep executed = device.step(feeds, asked);
      found = difference(executed.results, reference.step(feeds, asked).results);
      if (!found.empty()) found += " of step " + std::to_string(i);
      if (found.empty() && host.written - before != bytes.to_device(false))
        found = "bytes sent in step " + std::to_string(i);
    }
    if (found.empty()) found = difference(device.read(states), reference.read(states));
    device.reset();
  });
  return found;
}

OptimizerSettings sgd(double momentum, bool nesterov, double weight_decay) {
  OptimizerSettings optimizer;
  optimizer.kind = OptimizerKind::kSgd;
  optimizer.sgd = {0.05, momentum, nesterov ? 0 : 0.25 * momentum, weight_decay, nesterov};
  return optimizer;
}

}  // namespace

TEST_CASE("20 steps of AdamW go on where the last one ended, with a learning rate that changes") {
  OptimizerSettings optimizer;
  optimizer.schedule = {Schedule::Kind::kLinear, 3, 20};
  CHECK(difference_in({layer(9, 40, 24, 3)}, optimizer, {}).empty());
}

TEST_CASE("20 steps of SGD in each of its forms are the reference's, bit for bit") {
  for (const OptimizerSettings& optimizer :
       {sgd(0, false, 0), sgd(0, false, 0.1), sgd(0.9, false, 0), sgd(0.9, true, 0.01)}) {
    INFO(optimizer.sgd.momentum << " " << optimizer.sgd.nesterov << " "
                                << optimizer.sgd.weight_decay);
    CHECK(difference_in({layer(9, 40, 24, 3)}, optimizer, {}).empty());
  }
}

TEST_CASE("gradients of several micro-batches are accumulated on the device") {
  OptimizerSettings optimizer = sgd(0.9, false, 0);
  optimizer.accumulate = 3;
  optimizer.schedule = {Schedule::Kind::kCosine, 2, 20};
  CHECK(difference_in({layer(5, 24, 40, 2), layer(5, 40, 8, 4)}, optimizer, {}).empty());
  OptimizerSettings adamw;
  adamw.accumulate = 2;
  CHECK(difference_in({layer(9, 16, 24, 3)}, adamw, {}).empty());
}

TEST_CASE("streamed weights come again in every step, and the rings run on") {
  CHECK(difference_in({layer(9, 40, 24, 3), layer(9, 24, 70, 3)}, {}, {Fidelity::kCycle, 20, true})
            .empty());
}

TEST_CASE("the RTL keeps its states between steps as the cycle model does") {
  OptimizerSettings optimizer = sgd(0.9, true, 0.01);
  optimizer.accumulate = 2;
  CHECK(difference_in({layer(5, 24, 20, 2)}, optimizer, {Fidelity::kRtl, 3, false}).empty());
  CHECK(difference_in({layer(9, 20, 24, 3)}, {}, {Fidelity::kRtl, 3, true}).empty());
}

TEST_CASE("gradients are clipped together on the device") {
  OptimizerSettings optimizer;
  optimizer.clip_norm = 0.01;
  CHECK(difference_in({layer(9, 40, 24, 3), layer(9, 24, 70, 3)}, optimizer,
                      {Fidelity::kCycle, 3, false})
            .empty());
}
