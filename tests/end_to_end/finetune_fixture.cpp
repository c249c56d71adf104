#include "tests/end_to_end/finetune_fixture.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "host/formats/safetensors.h"
#include "host/huggingface/json_object.h"

namespace corank::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = CORANK_FIXTURES;

fs::path model_folder(const std::string& name) {
  if (name == "minilm") return CORANK_MINILM;
  return kFixtures / name / "model";
}

void apply_settings(const JsonObject& settings, OptimizerSettings& optimizer) {
  const std::string name = settings.text("optimizer");
  optimizer.kind = name == "sgd" ? OptimizerKind::kSgd : OptimizerKind::kAdamW;
  optimizer.adamw.lr = optimizer.sgd.lr = settings.number("lr");
  optimizer.adamw.weight_decay = optimizer.sgd.weight_decay = settings.number("weight_decay");
  if (optimizer.kind == OptimizerKind::kAdamW) {
    optimizer.adamw.beta1 = settings.json().at("betas").at(0).get<double>();
    optimizer.adamw.beta2 = settings.json().at("betas").at(1).get<double>();
    optimizer.adamw.eps = settings.number("eps");
  } else {
    optimizer.sgd.momentum = settings.number("momentum");
    optimizer.sgd.dampening = settings.number("dampening");
    optimizer.sgd.nesterov = settings.boolean("nesterov");
  }
  Schedule::Kind kind = Schedule::Kind::kConstant;
  for (const Schedule::Kind known : {Schedule::Kind::kLinear, Schedule::Kind::kCosine}) {
    if (settings.text("schedule") == name_of(known)) kind = known;
  }
  optimizer.schedule = {kind, settings.integer("warmup", 0), settings.integer("total", 0)};
  optimizer.clip_norm = settings.number_or("clip_norm", 0);
  if (settings.has("lora_plus")) {
    const JsonObject lora_plus = settings.object("lora_plus");
    optimizer.lora_plus = {lora_plus.number("ratio"), lora_plus.number("embedding_lr")};
  }
  optimizer.accumulate = settings.integer("accumulate", 1);
}

void require_same_shape(const Tensor& a, const Tensor& b) {
  if (element_count(a.shape) != element_count(b.shape))
    throw std::runtime_error("shapes " + to_string(a.shape) + " and " + to_string(b.shape));
}

double dot(const Tensor& a, const Tensor& b) {
  require_same_shape(a, b);
  double sum = 0;
  for (std::int64_t i = 0; i < element_count(a.shape); ++i)
    sum += static_cast<double>(a.data<float>()[i]) * b.data<float>()[i];
  return sum;
}

}  // namespace

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFixtures))
    if (fs::exists(entry.path() / "expected.safetensors"))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool has_model(const std::string& name) { return fs::exists(model_folder(name) / "config.json"); }

FinetuneFixture read_fixture(const std::string& name) {
  FinetuneFixture fixture;
  const fs::path folder = kFixtures / name;
  fixture.name = name;
  fixture.folder = folder.string();
  fixture.config.name = name;
  fixture.config.file = "the fixture " + name;
  fixture.config.model = model_folder(name).string();
  fixture.config.adapter = (folder / "adapter").string();
  fixture.config.batches = (folder / "batches.safetensors").string();
  const JsonObject settings = read_json_object((folder / "settings.json").string());
  apply_settings(settings, fixture.config.optimizer);
  fixture.config.lora_fa = settings.boolean_or("lora_fa", false);
  fixture.config.seed = static_cast<std::uint64_t>(settings.integer_or("seed", 0, 0));
  fixture.initial =
      read_safetensors((folder / "adapter" / "adapter_model.safetensors").string()).tensors;
  fixture.expected = read_safetensors((folder / "expected.safetensors").string()).tensors;
  return fixture;
}

double norm_of(const Tensor& tensor) { return std::sqrt(dot(tensor, tensor)); }

Tensor difference_of(const Tensor& a, const Tensor& b) {
  require_same_shape(a, b);
  Tensor difference(DType::F32, a.shape);
  for (std::int64_t i = 0; i < element_count(a.shape); ++i)
    difference.data<float>()[i] = a.data<float>()[i] - b.data<float>()[i];
  return difference;
}

double relative_error(const Tensor& a, const Tensor& b) {
  return norm_of(difference_of(a, b)) / norm_of(b);
}

double cosine_of(const Tensor& a, const Tensor& b) { return dot(a, b) / (norm_of(a) * norm_of(b)); }

void VectorError::add(const Tensor& a, const Tensor& b) {
  difference = std::hypot(difference, norm_of(difference_of(a, b)));
  norm = std::hypot(norm, norm_of(b));
}

}  // namespace corank::test
