// A training step of a whole transformer on both accelerators: the reference's bits, and the same
// cycles.
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>

#include "host/verify/run_case.h"
#include "models/graph/differentiate.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/end_to_end/test_machines.h"
#include "tests/models/peft/trained_lora.h"

namespace corank::test {
namespace {

constexpr std::int64_t kBatch = 2, kSequence = 6, kVocabulary = 24;

/// Adapters with dropout on every linear, every norm trained, gradients clipped.
TrainingProgram training_of(Transformer transformer) {
  TrainedLora plan;
  plan.dropout = 0.25;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {2, 2, false}});
    if (module.kind == ModuleKind::kNorm) plan.saved_modules.push_back(module.name);
  }
  apply(transformer, plan);
  TrainingProgram program;
  program.optimizer.clip_norm = 0.5;
  DifferentiateRequest request;
  request.loss = transformer.loss;
  const std::map<ValueId, ValueId> gradients = differentiate(transformer.graph, request);
  std::vector<Trained> trained;
  for (std::size_t id = 0; id < transformer.graph.values.size(); ++id) {
    const auto value = static_cast<ValueId>(id);
    if (transformer.graph.value(value).role != Role::kTrainable) continue;
    program.gradients[value] = gradients.at(value);
    trained.push_back({value, gradients.at(value), 1});
  }
  program.graph = std::move(transformer.graph);
  add_updates(program, trained);
  check(program.graph);
  return program;
}

Tensor integers_of(const Value& value, std::mt19937_64& random) {
  Tensor tensor(DType::I64, value.shape);
  const std::int64_t count = element_count(value.shape);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t& number = tensor.data<std::int64_t>()[i];
    number = draw::between(random, 0, kVocabulary - 1);
    if (value.name == "attention_mask") number = i % kSequence != kSequence - 1 || i < kSequence;
    if (value.name == "labels" && value.shape.size() == 1) number %= 2;  // of sequences
    if (value.name == "token_type_ids") number = 0;
  }
  return tensor;
}

DrawnCase case_of(const TrainingProgram& program, const MachineShape& machine, std::uint64_t seed) {
  DrawnCase drawn;
  drawn.seed = seed;
  drawn.config.machine = machine;
  drawn.config.compiler.rehearse = false;
  drawn.feeds = {optimizer_feeds(program, 0)};
  std::mt19937_64 random(seed);
  for (const Value& value : program.graph.values) {
    if (is_computed(value) || value.role == Role::kConstants) continue;
    if (value.dtype == DType::I64) {
      drawn.feeds.front()[value.name] = integers_of(value, random);
    } else if (value.role == Role::kState) {
      drawn.given[value.name] = draw::f32(random, value.shape, 1e-4f, true);
    } else {
      drawn.given[value.name] = value.dtype == DType::BF16
                                    ? draw::bf16(random, value.shape, 0.2f)
                                    : draw::f32(random, value.shape, 0.2f, false);
    }
  }
  return drawn;
}

void check_model(const TrainingProgram& program, std::uint64_t seed) {
  const MachineShape machine = test_machines()[2];
  const CompiledCase compiled(case_of(program, machine, seed), program);
  CHECK(compiled.finite);
  const CaseResult result = verify_case(compiled, library_of(machine));
  CHECK(result.difference == "");
  CHECK(result.verified.result_bytes > 0);
}

}  // namespace

TEST_CASE("a training step of a LLaMA model is the reference's on both") {
  LlamaShape shape;
  shape.vocabulary = kVocabulary;
  shape.hidden = 16;
  shape.intermediate = 20;
  shape.layers = 2;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = 6;
  check_model(training_of(build_llama(shape, kBatch, kSequence)), 1);
}

TEST_CASE("a training step of a BERT model is the reference's on both") {
  BertShape shape;
  shape.vocabulary = kVocabulary;
  shape.hidden = 16;
  shape.intermediate = 20;
  shape.layers = 1;
  shape.heads = 2;
  shape.max_positions = 8;
  shape.labels = 2;
  check_model(training_of(build_bert(shape, kBatch, kSequence)), 2);
}

}  // namespace corank::test
