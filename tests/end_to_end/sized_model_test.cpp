// Whole models by their sizes, with values and without; what of a step's cycles, bytes and energy
// belongs to which layer, kind of work and pass; layers repeated.
#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "host/energy/machine_silicon.h"
#include "host/run/device_figures.h"
#include "host/run/finetune.h"
#include "host/run/step_costs.h"
#include "models/base/error.h"
#include "tests/end_to_end/test_machines.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;
using Catch::Contains;

namespace {

const char* const kLlama = R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
  "vocab_size": 61, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": LAYERS,
  "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "rms_norm_eps": 1e-5,
  "max_position_embeddings": 64, "tie_word_embeddings": false})";
const char* const kBert = R"({"architectures": ["BertForSequenceClassification"],
  "model_type": "bert", "vocab_size": 45, "hidden_size": 32, "intermediate_size": 40,
  "num_hidden_layers": LAYERS, "num_attention_heads": 4, "hidden_act": "gelu",
  "max_position_embeddings": 16, "num_labels": 3, "pad_token_id": 0})";

std::string with_layers(std::string json, int layers) {
  const std::string key = "LAYERS";
  return json.replace(json.find(key), key.size(), std::to_string(layers));
}

/// A model of so many layers on the machine of 4 x 4.
Config sized(const TemporaryFolder& folder, const char* json, int layers) {
  Config config = load_config("", {});
  config.transformer.config = folder.file("config.json");
  std::ofstream(config.transformer.config) << with_layers(json, layers);
  config.transformer.batch = 2;
  config.transformer.sequence = 12;
  config.transformer.rank = 3;
  config.machine = test_machines().at(2);
  config.seed = 5;
  return config;
}

Config without_values(Config config) {
  config.values = false;
  return config;
}

FinetuneReport run_on_cycle(const Config& config) {
  RunOptions options;
  options.fidelity = Fidelity::kCycle;
  RunFiles files = open_finetune_files(config, options);
  return finetune_on_device(config, options, files).report;
}

Work sum_of_work(const StepWorkByKey& work) {
  Work sum;
  for (const auto& [key, one] : work) sum += one;
  return sum;
}

Work work_of_layer(const StepWorkByKey& work, int layer) {
  Work sum;
  for (const auto& [key, one] : work)
    if (key.layer == layer) sum += one;
  return sum;
}

}  // namespace

TEST_CASE("a model by its sizes has the reference's bits, and the same time without values") {
  for (const char* json : {kLlama, kBert}) {
    const TemporaryFolder folder;
    Config config = sized(folder, json, 2);
    config.steps = 2;
    config.transformer.dropout = 0.25;
    for (const Weights weights : {Weights::kResident, Weights::kStreamed}) {
      config.weights = weights;
      const FinetuneReport with = run_on_cycle(config);
      CHECK(with.passed());
      CHECK(with.device->comparisons.size() == 5);
      CHECK(with.losses.size() == 2);
      const FinetuneReport without = run_on_cycle(without_values(config));
      CHECK(without.passed());
      CHECK(without.losses.empty());
      CHECK(without.steps == 2);
      for (std::size_t step = 0; step < 2; ++step)
        CHECK(without.device->steps.at(step).cycles == with.device->steps.at(step).cycles);
    }
  }
}

TEST_CASE("what layers, kinds of work and passes took adds up to the step") {
  for (const char* json : {kLlama, kBert}) {
    const TemporaryFolder folder;
    Config config = without_values(sized(folder, json, 3));
    config.energy = load_config(CORANK_CONFIGS "/cycle.yaml", {}).energy;
    config.optimizer.clip_norm = 1;
    const FinetuneReport report = run_on_cycle(config);
    const DeviceReport& device = *report.device;
    const StepReport& step = device.steps.front();
    const Work sum = sum_of_work(device.work);
    CHECK(sum.cycles() == step.cycles);
    CHECK(sum.macs == static_cast<std::uint64_t>(report.account.total_macs));
    CHECK(sum.bytes_read == step.memory_bytes_read);
    CHECK(sum.bytes_written <= step.memory_bytes_written);  // the link writes commands, too
    CHECK(sum.energy_pj < step.energy_pj);  // which has the transfers before and after, too
    CHECK(sum.energy_pj > 0.5 * step.energy_pj);
    // By hand: the products of one layer of the family, forward, 24 tokens.
    const bool llama = json == kLlama;
    const std::uint64_t linears =
        llama ? 32 * 32 * 2 + 2 * 32 * 16 + 3 * 32 * 48 : 4 * 32 * 32 + 2 * 32 * 40;
    CHECK(device.work.at({1, WorkKind::kFrozen, Pass::kForward}).macs == 24 * linears);
    CHECK(device.work.at({1, WorkKind::kAttention, Pass::kForward}).macs ==
          2 * 2 * 4 * 12 * 12 * 8);
    CHECK(device.work.count({-1, WorkKind::kUpdate, Pass::kUpdate}) +
              device.work.count({1, WorkKind::kUpdate, Pass::kUpdate}) >
          0);
    CHECK(work_of_layer(device.work, 1).cycles() > 0);
    // What is alive at once fits the place that the plan gave it, and fills most of it.
    const std::uint64_t planned = sum_of(device.memory);
    const auto alive_of = [](const std::vector<RoleBytes>& memory) {
      return sum_of(memory) - memory.back().bytes;
    };
    std::uint64_t most = 0;
    for (const MemoryPoint& point : device.memory_over_time) {
      CHECK(sum_of(point.memory) == planned);
      most = std::max(most, alive_of(point.memory));
    }
    CHECK(most == alive_of(device.memory));
    CHECK(device.memory.back().bytes < planned / 10);
    CHECK(device.touched_bytes.value() <= planned);
    CHECK(device.touched_bytes.value() > planned / 5);  // small values are much padding
    CHECK_FALSE(device.epoch);
  }
}

TEST_CASE("repeated layers come to what the whole model takes") {
  for (const char* json : {kLlama, kBert}) {
    const TemporaryFolder folder;
    Config config = without_values(sized(folder, json, 8));
    config.compiler.rehearse = false;  // so that all models are planned alike
    const FinetuneReport whole = run_on_cycle(config);
    config.layers = Layers::kRepeated;
    const FinetuneReport repeated = run_on_cycle(config);
    REQUIRE(repeated.device->repeated);
    CHECK(repeated.device->repeated->layers == 8);
    CHECK(repeated.device->repeated->error < 0.01);
    CHECK(repeated.account.total_macs == whole.account.total_macs);
    // All layers but the ends are taken for alike, which they are but for a command or two.
    const StepReport &a = repeated.device->steps.front(), &b = whole.device->steps.front();
    CHECK(static_cast<double>(a.cycles) == Approx(static_cast<double>(b.cycles)).epsilon(0.005));
    CHECK(a.link.loaded == b.link.loaded);
    CHECK(a.link.asked == b.link.asked);
    const auto near = [](std::uint64_t found, std::uint64_t expected) {
      return static_cast<double>(found) == Approx(static_cast<double>(expected)).epsilon(0.001);
    };
    CHECK(near(a.link.commands, b.link.commands));
    CHECK(near(a.memory_bytes_read, b.memory_bytes_read));
    CHECK(a.energy_pj == Approx(b.energy_pj).epsilon(0.005));
    CHECK(sum_of(repeated.device->memory) == sum_of(whole.device->memory));
    CHECK(sum_of_work(repeated.device->work).macs == sum_of_work(whole.device->work).macs);
    CHECK(work_of_layer(repeated.device->work, 5).macs ==
          work_of_layer(whole.device->work, 5).macs);
    CHECK(work_of_layer(repeated.device->work, 7).macs ==
          work_of_layer(whole.device->work, 7).macs);
  }
}

TEST_CASE("what cannot be by sizes is refused by the key that is wrong") {
  const TemporaryFolder folder;
  const Config good = without_values(sized(folder, kLlama, 3));
  const auto refusal = [&](const auto& change) {
    Config config = good;
    change(config);
    try {
      run_on_cycle(config);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("nothing is wrong");
  };
  CHECK_THAT(refusal([](Config& c) { c.transformer.sequence = 1; }),
             Contains("workload.transformer.sequence: expected at least 2 tokens"));
  CHECK_THAT(refusal([](Config& c) { c.model = "/somewhere"; }),
             Contains("workload.model: belongs to files"));
  CHECK_THAT(refusal([](Config& c) { c.checkpoint = 2; }), Contains("workload.checkpoint"));
  CHECK_THAT(refusal([](Config& c) { c.transformer.modules = {"nothing"}; }), Contains("nothing"));
  CHECK_THAT(refusal([](Config& c) { c.layers = Layers::kRepeated; }),
             Contains("expected a model of at least 4 layers, found 3"));
  CHECK_THAT(refusal([](Config& c) {
               c.layers = Layers::kRepeated;
               c.values = true;
             }),
             Contains("repeated gives times alone"));
  CHECK_THAT(refusal([](Config& c) { c.transformer.batch = c.transformer.sequence = 0xff'ffff; }),
             Contains("values of at most 2^40 elements"));
  CHECK_THAT(refusal([](Config& c) {
               c.steps = 1 << 20;
               c.transformer.batch = 0xffff;
             }),
             Contains("of this computer's memory"));
  CHECK_THAT(refusal([&](Config& c) { c.transformer.config = folder.file("none.json"); }),
             Contains("none.json"));
  Config bert = without_values(sized(folder, kBert, 2));
  bert.transformer.sequence = 17;
  CHECK_THROWS_WITH(run_on_cycle(bert), Contains("at most the 16 positions"));
}
