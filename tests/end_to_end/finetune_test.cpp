// Whole fine-tuning runs against Hugging Face PEFT on PyTorch.
//
// The bars of fp32 are those of two FP32 programs that sum in different orders; those of bf16 are
// about twice what PyTorch's own BF16 autocast differs from FP32: of LLaMA's many logits, and of
// the few of a BERT's classification.
#include "host/run/finetune.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <string>

#include "host/formats/safetensors.h"
#include "host/huggingface/adapter_files.h"
#include "host/huggingface/json_object.h"
#include "tests/end_to_end/finetune_fixture.h"
#include "tests/host/temporary_folder.h"

using namespace corank;
using namespace corank::test;

namespace {

struct Bars {
  double loss, logits;
  double gradients, large_gradient, small_gradient;
  double update, final_tensor;
  double cosine;  // of each large gradient; the smallest
};

constexpr Bars kFp32{1e-5, 1e-5, 1e-5, 1e-4, 1e-6, 1e-3, 2e-4, 0.9999999};
constexpr Bars kBf16Llama{2e-3, 5e-3, 2e-2, 5e-2, 3e-4, 0.15, 5e-2, 0.999};
constexpr Bars kBf16Bert{2e-3, 1.2e-2, 2e-2, 5e-2, 3e-4, 0.15, 5e-2, 0.999};

/// The expected tensors whose name begins so, without that beginning.
TensorMap expected_of(const FinetuneFixture& fixture, const std::string& prefix) {
  TensorMap tensors;
  for (const auto& [name, tensor] : fixture.expected)
    if (name.compare(0, prefix.size(), prefix) == 0) tensors[name.substr(prefix.size())] = tensor;
  return tensors;
}

void check_gradients(const FinetuneFixture& fixture, const TensorMap& found, const Bars& bars) {
  const TensorMap expected = expected_of(fixture, "grad.");
  REQUIRE(found.size() == expected.size());
  VectorError all;
  for (const auto& [name, gradient] : expected) {
    INFO(name);
    REQUIRE(found.count(name) == 1);
    all.add(found.at(name), gradient);
  }
  CHECK(all.relative() <= bars.gradients);
  for (const auto& [name, gradient] : expected) {
    INFO(name);
    // Of nearly flat attention little but rounding is left; such tensors are held to the whole.
    if (norm_of(gradient) < 1e-3 * all.norm) {
      CHECK(norm_of(difference_of(found.at(name), gradient)) / all.norm <= bars.small_gradient);
      continue;
    }
    CHECK(relative_error(found.at(name), gradient) <= bars.large_gradient);
    CHECK(cosine_of(found.at(name), gradient) >= bars.cosine);
  }
}

void check_finals(const FinetuneFixture& fixture, const TensorMap& found, const Bars& bars) {
  const TensorMap expected = expected_of(fixture, "final.");
  REQUIRE(found.size() == expected.size());
  VectorError update;
  for (const auto& [name, tensor] : expected) {
    INFO(name);
    REQUIRE(found.count(name) == 1);
    CHECK(relative_error(found.at(name), tensor) <= bars.final_tensor);
    const Tensor& initial = fixture.initial.at(name);
    update.add(difference_of(found.at(name), initial), difference_of(tensor, initial));
  }
  CHECK(update.relative() <= bars.update);
}

void check_run(const FinetuneFixture& fixture, const FinetuneResult& result, const Bars& bars) {
  const Tensor& losses = fixture.expected.at("losses");
  REQUIRE(static_cast<std::int64_t>(result.report.losses.size()) == losses.shape.at(0));
  for (std::size_t i = 0; i < result.report.losses.size(); ++i) {
    INFO("step " << i + 1);
    const double expected = losses.data<float>()[i];
    CHECK(std::abs(result.report.losses[i] - expected) <= bars.loss * expected);
  }
  CHECK(relative_error(result.logits, fixture.expected.at("logits0")) <= bars.logits);
  check_gradients(fixture, adapter_tensors(result.plan, result.gradients), bars);
  check_finals(fixture, adapter_tensors(result.plan, result.adapter), bars);
}

bool has_dropout(const FinetuneFixture& fixture) {
  const JsonObject adapter = read_json_object(fixture.config.adapter + "/adapter_config.json");
  for (const char* key : {"lora_dropout", "vera_dropout", "miss_dropout"})
    if (adapter.has(key) && adapter.number(key) > 0) return true;
  return false;
}

/// Runs `action` with each fixture whose model is there.
template <class Action>
void for_each_fixture(const Action& action) {
  for (const std::string& name : fixture_names()) {
    if (!has_model(name)) {
      WARN("the fixture " << name
                          << " is skipped: the test minilm_folder could not fetch its model");
      continue;
    }
    DYNAMIC_SECTION(name) { action(read_fixture(name)); }
  }
}

}  // namespace

TEST_CASE("There are enough fixtures to speak of") { CHECK(fixture_names().size() >= 12); }

TEST_CASE("In fp32 a run equals Hugging Face PEFT's") {
  for_each_fixture([](FinetuneFixture fixture) {
    fixture.config.numerics = Numerics::kFp32;
    check_run(fixture, finetune(fixture.config), kFp32);
  });
}

TEST_CASE("Forward passes by the adapter that PEFT ends with give the logits that PEFT then has") {
  for_each_fixture([](FinetuneFixture fixture) {
    // With a dropout the logits are those of training; one begins with a micro-batch without a
    // label.
    if (has_dropout(fixture) || fixture.name == "llama_masked_micro_batch") return;
    const TemporaryFolder folder;
    SafetensorsFile adapter;
    adapter.tensors = fixture.initial;  // with what is frozen, too
    for (auto& [name, tensor] : expected_of(fixture, "final."))
      adapter.tensors[name] = std::move(tensor);
    std::filesystem::copy(fixture.config.adapter, folder.file("adapter"),
                          std::filesystem::copy_options::recursive);
    write_safetensors(folder.file("adapter/adapter_model.safetensors"), adapter);
    fixture.config.adapter = folder.file("adapter");
    fixture.config.numerics = Numerics::kFp32;
    fixture.config.optimizer.accumulate = 1;
    fixture.config.pass = RunPass::kForward;
    const FinetuneResult result = finetune(fixture.config);
    CHECK(relative_error(result.logits, fixture.expected.at("logits_final")) <= kFp32.logits);
    CHECK(result.gradients.empty());
  });
}

TEST_CASE("In fp64 a run equals Hugging Face PEFT's") {
  for_each_fixture([](FinetuneFixture fixture) {
    fixture.config.numerics = Numerics::kFp64;
    check_run(fixture, finetune(fixture.config), kFp32);
  });
}

TEST_CASE("In bf16 a run is as near to Hugging Face PEFT's as BF16 allows") {
  for_each_fixture([](FinetuneFixture fixture) {
    fixture.config.numerics = Numerics::kBf16;
    const FinetuneResult result = finetune(fixture.config);
    // What the account expects from shapes alone is what was allocated, moments included.
    CHECK(result.report.measured_peak_bytes == result.report.account.peak_bytes);
    check_run(fixture, result, result.report.model_type == "bert" ? kBf16Bert : kBf16Llama);
  });
}

TEST_CASE("A written adapter gives the trained model's logits when it is read again") {
  for_each_fixture([](FinetuneFixture fixture) {
    const TemporaryFolder folder;
    fixture.config.numerics = Numerics::kFp32;
    write_finetune(folder.file("out"), finetune(fixture.config), {true, true});
    CHECK(std::filesystem::exists(folder.file("out/report.json")));
    CHECK(std::filesystem::exists(folder.file("out/gradients.safetensors")));
    CHECK(std::filesystem::exists(folder.file("out/logits.safetensors")));
    fixture.config.adapter = folder.file("out/adapter");
    const FinetuneResult again = finetune(fixture.config);
    CHECK(relative_error(again.logits, fixture.expected.at("logits_final")) <= 1e-4);
  });
}
