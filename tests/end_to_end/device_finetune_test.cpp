// Fine-tuning runs on the accelerator: bit for bit those of the reference in bf16, which
// finetune_test holds to Hugging Face PEFT.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "host/formats/safetensors.h"
#include "host/run/finetune.h"
#include "host/run/lockstep.h"
#include "models/base/error.h"
#include "models/quantized/quantize.h"
#include "sim/system/interruption.h"
#include "tests/end_to_end/finetune_fixture.h"
#include "tests/end_to_end/test_machines.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;

namespace {

FinetuneResult run_on_device(const Config& config, RunOptions options) {
  RunFiles files = open_finetune_files(config, options);
  return finetune_on_device(config, options, files);
}

FinetuneResult run_on_device(const Config& config, Fidelity fidelity) {
  RunOptions options;
  options.fidelity = fidelity;
  return run_on_device(config, options);
}

FinetuneResult run_by_reference(Config config) {
  config.numerics = Numerics::kBf16;
  return finetune(config);
}

/// The first tensor of which a bit differs; "": none.
std::string difference(const TensorMap& found, const TensorMap& expected) {
  if (found.size() != expected.size()) return "there are others";
  for (const auto& [name, tensor] : expected)
    if (found.count(name) == 0 || found.at(name).bytes != tensor.bytes) return name;
  return "";
}

void check_bits(const FinetuneResult& device, const FinetuneResult& reference) {
  CHECK(device.report.losses == reference.report.losses);
  CHECK(device.report.gradient_norms == reference.report.gradient_norms);
  CHECK(device.report.learning_rates == reference.report.learning_rates);
  CHECK(difference(device.gradients, reference.gradients) == "");
  CHECK(device.logits.bytes == reference.logits.bytes);
  CHECK(device.logits.shape == reference.logits.shape);
  CHECK(difference(device.adapter, reference.adapter) == "");
  CHECK(difference(device.states, reference.states) == "");
}

/// What a run says of itself.
void check_report(const FinetuneReport& report) {
  CHECK(report.passed());
  REQUIRE(report.device);
  CHECK(report.device->steps.size() == report.losses.size());
  CHECK(report.device->comparisons.size() == 5);
}

Config on_machine(const FinetuneFixture& fixture, std::size_t machine) {
  Config config = fixture.config;
  config.machine = test_machines().at(machine);
  return config;
}

/// The fixture with its first micro-batches alone.
void keep_micro_batches(Config& config, const TemporaryFolder& folder, std::int64_t count) {
  SafetensorsFile file = read_safetensors(config.batches);
  for (auto& [name, tensor] : file.tensors) {
    tensor.bytes.resize(tensor.bytes.size() / static_cast<std::size_t>(tensor.shape[0]) *
                        static_cast<std::size_t>(count));
    tensor.shape[0] = count;
  }
  config.batches = folder.file("batches.safetensors");
  write_safetensors(config.batches, file);
}

Config odd_fixture() { return on_machine(read_fixture("llama_odd"), 3); }

}  // namespace

TEST_CASE("on the cycle model every fixture trains as in the reference, to the bit") {
  for (const std::string& name : fixture_names()) {
    if (!has_model(name)) continue;  // finetune_test says what is skipped
    DYNAMIC_SECTION(name) {
      const Config config = on_machine(read_fixture(name), 3);
      const FinetuneResult device = run_on_device(config, Fidelity::kCycle);
      check_bits(device, run_by_reference(config));
      check_report(device.report);
    }
  }
}

TEST_CASE(
    "on the cycle model a model packed by any quantizer, resident or streamed, trains to the bit") {
  for (const Quantizer quantizer : quantizers()) {
    if (quantizer == Quantizer::kNone) continue;
    for (const Weights weights : {Weights::kResident, Weights::kStreamed}) {
      DYNAMIC_SECTION(name_of(quantizer) << (weights == Weights::kStreamed ? ", streamed" : "")) {
        Config config = odd_fixture();
        config.quantize = quantizer;
        config.weights = weights;
        check_bits(run_on_device(config, Fidelity::kCycle), run_by_reference(config));
      }
    }
  }
}

TEST_CASE("at RTL fidelity fixtures of every kind train as in the reference, to the bit") {
  const std::vector<std::string> names = {
      "llama_sgd",      "bert_all",   "llama_dropout", "llama_ia3_patterns", "llama_tokens_head",
      "llama_schedule", "bert_pairs", "llama_gqa",     "llama_saved",        "llama_odd"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    DYNAMIC_SECTION(names[i]) {
      const TemporaryFolder folder;
      Config config = on_machine(read_fixture(names[i]), i % 2 == 0 ? 1 : 3);  // 3x5, 8x8
      const std::int64_t steps = i < 2 ? 2 : 1;
      keep_micro_batches(config, folder, steps * config.optimizer.accumulate);
      const FinetuneResult device = run_on_device(config, Fidelity::kRtl);
      CHECK(static_cast<std::int64_t>(device.report.losses.size()) == steps);
      check_bits(device, run_by_reference(config));
      check_report(device.report);
    }
  }
}

TEST_CASE("what is recomputed has the bits of what would have been kept, on every fidelity") {
  // Grouped queries, dropout and micro-batches; rows of which all keys are masked; masks of BERT,
  // every parameter of its layers trained; vectors in place of adapters.
  for (const char* name : {"llama_dropout", "llama_left_padding", "bert_all", "llama_ia3"}) {
    for (const RecomputePolicy policy : {RecomputePolicy::kAttention, RecomputePolicy::kLayers}) {
      DYNAMIC_SECTION(name << ", " << name_of(policy)) {
        const TemporaryFolder folder;
        Config config = on_machine(read_fixture(name), 3);
        keep_micro_batches(config, folder, 2 * config.optimizer.accumulate);
        const FinetuneResult kept = run_by_reference(config);
        config.recompute = policy;
        const FinetuneResult reference = run_by_reference(config);
        check_bits(reference, kept);
        CHECK(reference.report.measured_peak_bytes == reference.report.account.peak_bytes);
        const FinetuneResult device = run_on_device(config, Fidelity::kCycle);
        check_bits(device, kept);
        check_report(device.report);
      }
    }
  }
  for (const RecomputePolicy policy : {RecomputePolicy::kAttention, RecomputePolicy::kLayers}) {
    DYNAMIC_SECTION("at RTL fidelity, " << name_of(policy)) {
      const TemporaryFolder folder;
      Config config = on_machine(read_fixture("llama_odd"), 1);  // 3x5
      keep_micro_batches(config, folder, 1);
      const FinetuneResult kept = run_by_reference(config);
      config.recompute = policy;
      const FinetuneResult device = run_on_device(config, Fidelity::kRtl);
      check_bits(device, kept);
      check_report(device.report);
    }
  }
}

TEST_CASE("RTL and cycle model train in lockstep: every command, transaction, counter and bit") {
  const TemporaryFolder folder;
  Config config = odd_fixture();
  keep_micro_batches(config, folder, 2);
  const LockstepResult result = run_lockstep(config, {});
  CHECK(result.difference == "");
  const FinetuneResult cycle = run_on_device(config, Fidelity::kCycle);
  REQUIRE(cycle.report.device);
  CHECK(result.commands >= 2 * cycle.report.device->commands - 2);  // a halt has no events
  CHECK(result.cycles == cycle.report.device->steps.back().cycles);
  // Adapter and two moments at least, of 4 bytes an element.
  CHECK(result.result_bytes >=
        static_cast<std::uint64_t>(12 * cycle.report.account.trainable_elements));
}

TEST_CASE("forward passes on the device give the reference's losses and accuracy, to the bit") {
  // The last one on RTL.
  const std::vector<std::string> names = {"llama_dropout", "llama_ia3", "bert_pairs", "llama_gqa"};
  for (const std::string& name : names) {
    DYNAMIC_SECTION(name) {
      Config config = on_machine(read_fixture(name), 3);
      config.pass = RunPass::kForward;
      config.optimizer.accumulate = 1;
      const FinetuneResult device =
          run_on_device(config, name == names.back() ? Fidelity::kRtl : Fidelity::kCycle);
      const FinetuneResult reference = run_by_reference(config);
      CHECK(device.report.losses == reference.report.losses);
      CHECK(device.logits.bytes == reference.logits.bytes);
      CHECK(device.logits.shape == reference.logits.shape);
      REQUIRE(device.report.evaluation);
      REQUIRE(reference.report.evaluation);
      CHECK(device.report.evaluation->loss == reference.report.evaluation->loss);
      CHECK(device.report.evaluation->accuracy == reference.report.evaluation->accuracy);
      CHECK(device.report.passed());
      REQUIRE(device.report.device);
      CHECK(device.report.device->comparisons.size() == 2);
      // Nothing is trained, and the adapter goes to the device alone.
      CHECK(device.report.account.optimizer_bytes == 0);
      CHECK(difference(device.adapter, reference.adapter) == "");
    }
  }
}

TEST_CASE("before its first update a run has the losses of forward passes, but for the dropout") {
  for (const std::string name : {"llama_gqa", "bert", "llama_dropout"}) {
    DYNAMIC_SECTION(name) {
      Config config = on_machine(read_fixture(name), 3);
      config.optimizer.accumulate = 1;
      const FinetuneResult trained = run_by_reference(config);
      config.pass = RunPass::kForward;
      const FinetuneResult forward = run_on_device(config, Fidelity::kCycle);
      REQUIRE(forward.report.losses.size() == trained.report.losses.size());
      const bool dropout = name == "llama_dropout";
      CHECK((forward.report.losses[0] == trained.report.losses[0]) == !dropout);
      CHECK((forward.logits.bytes == trained.logits.bytes) == !dropout);
      CHECK(forward.report.losses[1] != trained.report.losses[1]);
    }
  }
}

TEST_CASE("RTL and cycle model carry out forward passes in lockstep") {
  Config config = odd_fixture();
  config.pass = RunPass::kForward;
  const LockstepResult result = run_lockstep(config, {});
  CHECK(result.difference == "");
  CHECK(result.commands > 0);
}

TEST_CASE("a run that is stopped ends behind its step, with the adapter as it is then") {
  const TemporaryFolder folder;
  Config config = odd_fixture();
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  int asked = 0;
  options.stop = [&] { return ++asked > 2; };
  const FinetuneResult stopped = run_on_device(config, options);
  CHECK(stopped.report.incomplete);
  CHECK(stopped.report.losses.size() == 2);
  REQUIRE(stopped.report.device);
  CHECK(stopped.report.device->comparisons.empty());
  keep_micro_batches(config, folder, 2);
  check_bits(stopped, run_by_reference(config));
  options.stop = [] { return true; };
  CHECK_THROWS_AS(run_on_device(config, options), Interrupted);
}

TEST_CASE(
    "two halves of a run, the second from the state of the first, equal the whole to the bit") {
  // Dropout, several micro-batches a step; warm-up, a cosine and clipping; momentum.
  for (const char* name : {"llama_dropout", "llama_schedule", "llama_sgd"}) {
    DYNAMIC_SECTION(name) {
      const TemporaryFolder folder;
      Config config = on_machine(read_fixture(name), 3);
      const FinetuneResult whole = run_on_device(config, Fidelity::kCycle);
      RunOptions options;
      options.fidelity = Fidelity::kCycle;
      int asked = 0;
      options.stop = [&] { return ++asked > 2; };
      const FinetuneResult first = run_on_device(config, options);
      REQUIRE(first.report.losses.size() == 2);
      write_finetune(folder.file("half"), first, {});
      config.adapter = folder.file("half/adapter");
      config.state = folder.file("half/state.safetensors");
      const FinetuneResult second = run_on_device(config, Fidelity::kCycle);
      check_report(second.report);
      CHECK(second.report.steps_before == 2);
      std::vector<double> losses = first.report.losses;
      losses.insert(losses.end(), second.report.losses.begin(), second.report.losses.end());
      CHECK(losses == whole.report.losses);
      CHECK(difference(second.adapter, whole.adapter) == "");
      CHECK(difference(second.states, whole.states) == "");
      CHECK(second.state.metadata == whole.state.metadata);
      // By the reference the second half gives the same.
      CHECK(difference(run_by_reference(config).states, whole.states) == "");
    }
  }
}

TEST_CASE("a checkpoint holds adapter and state as they are behind its step") {
  const TemporaryFolder folder;
  Config config = odd_fixture();
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  options.out_directory = folder.file("out");
  config.checkpoint = 3;  // of 4 steps
  const FinetuneResult whole = run_on_device(config, options);
  CHECK(whole.report.passed());  // what checkpoints take over the link is accounted for
  keep_micro_batches(config, folder, 3);
  config.checkpoint = 0;
  const FinetuneResult three = run_by_reference(config);
  const SafetensorsFile state = read_safetensors(folder.file("out/state.safetensors"));
  CHECK(state.metadata.at("steps") == "3");
  CHECK(difference(state.tensors, three.state.tensors) == "");
  CHECK(difference(read_safetensors(folder.file("out/adapter/adapter_model.safetensors")).tensors,
                   adapter_tensors(three.plan, three.adapter)) == "");
}

TEST_CASE("gradients are clipped together with those of columns, which lie turned") {
  // A of an adapter on an embedding is gathered by columns.
  Config config = on_machine(read_fixture("llama_embedding"), 3);
  config.optimizer.clip_norm = 0.5;
  const FinetuneResult device = run_on_device(config, Fidelity::kCycle);
  check_report(device.report);
  check_bits(device, run_by_reference(config));
  for (const double norm : device.report.gradient_norms) CHECK(norm > 0.5);
}

TEST_CASE("frozen weights are loaded once; a step is sent what it is fed") {
  const FinetuneResult run = run_on_device(odd_fixture(), Fidelity::kCycle);
  REQUIRE(run.report.device);
  const std::vector<StepReport>& steps = run.report.device->steps;
  REQUIRE(steps.size() > 2);
  CHECK(steps[0].link.loaded > 0);
  for (std::size_t i = 1; i < steps.size(); ++i) {
    CHECK(steps[i].link.loaded == 0);
    CHECK(steps[i].link.fed == steps[0].link.fed);
    CHECK(steps[i].link.asked == 2 * 128);  // loss and norm, without logits and gradients
    CHECK(steps[i].upload_ns < steps[0].upload_ns);
  }
}

TEST_CASE("with streamed weights every step is sent them, and the bits stay the same") {
  Config config = odd_fixture();
  const FinetuneResult resident = run_on_device(config, Fidelity::kCycle);
  config.weights = Weights::kStreamed;
  const FinetuneResult streamed = run_on_device(config, Fidelity::kCycle);
  check_bits(streamed, resident);
  REQUIRE(streamed.report.device);
  for (const StepReport& step : streamed.report.device->steps) CHECK(step.link.streamed > 0);
  const auto frozen = [](const FinetuneResult& run) {
    for (const RoleBytes& role : run.report.device->memory)
      if (role.role == "frozen") return role.bytes;
    return std::uint64_t{0};
  };
  CHECK(frozen(streamed) < frozen(resident));
}

TEST_CASE("the bytes of device memory by role are those of the values that lie there") {
  // llama_odd: two layers, 61 tokens, hidden size 27; see tests/fixtures/hf/README.md. Whole pages
  // of 4096 bytes for each value: the moments take twice what the trained elements take.
  const FinetuneResult run = run_on_device(odd_fixture(), Fidelity::kCycle);
  REQUIRE(run.report.device);
  std::map<std::string, std::uint64_t> bytes;
  std::uint64_t all = 0;
  for (const RoleBytes& role : run.report.device->memory) {
    bytes[role.role] = role.bytes;
    all += role.bytes;
  }
  CHECK(bytes["adapter"] >= static_cast<std::uint64_t>(4 * run.report.account.trainable_elements));
  CHECK(bytes["optimizer"] == 2 * bytes["adapter"]);
  CHECK(bytes["frozen"] >= static_cast<std::uint64_t>(run.report.account.weight_bytes));
  CHECK(bytes["weight ring"] == 0);
  CHECK(bytes["command ring"] == 4096 * 64);  // the power of two above the commands of a step
  CHECK(all % 4096 == 0);
}
