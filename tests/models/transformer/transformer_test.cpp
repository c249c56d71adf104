#include "models/transformer/transformer.h"

#include <catch2/catch.hpp>
#include <ctime>
#include <set>

#include "models/base/error.h"
#include "models/graph/account.h"
#include "models/graph/differentiate.h"
#include "models/reference/execute.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/models/central_difference.h"
#include "tests/models/peft/trained_lora.h"
#include "tests/models/tensors.h"

using namespace corank;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

LlamaShape tiny_llama() {
  LlamaShape shape;
  shape.vocabulary = 19;
  shape.hidden = 12;
  shape.intermediate = 14;
  shape.layers = 2;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = 6;  // 4 * 6 is not 12
  shape.attention_bias = true;
  shape.mlp_bias = true;
  shape.rope.theta = 100;
  shape.pad_token_id = 0;
  return shape;
}

BertShape tiny_bert() {
  BertShape shape;
  shape.vocabulary = 17;
  shape.hidden = 12;
  shape.intermediate = 20;
  shape.layers = 2;
  shape.heads = 3;
  shape.max_positions = 9;
  shape.labels = 3;
  return shape;
}

Tensor integers(const Shape& shape, const std::vector<std::int64_t>& elements) {
  Tensor tensor(DType::I64, shape);
  std::copy(elements.begin(), elements.end(), tensor.data<std::int64_t>());
  return tensor;
}

/// Random ids, a mask that hides the end of the last sequence, random labels.
TensorMap batch_of(const Transformer& transformer, std::int64_t vocabulary, std::int64_t labels,
                   std::mt19937_64& generator) {
  const std::int64_t batch = transformer.batch, sequence = transformer.sequence;
  const auto below = [&](std::int64_t bound) {
    return static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(bound));
  };
  std::vector<std::int64_t> ids, mask, types, targets;
  for (std::int64_t t = 0; t < batch * sequence; ++t) {
    const bool padding = t >= batch * sequence - sequence / 3;
    ids.push_back(padding ? 0 : 1 + below(vocabulary - 1));
    mask.push_back(padding ? 0 : 1);
    types.push_back(below(2));
    targets.push_back(padding ? -100 : below(vocabulary));
  }
  TensorMap given;
  given["input_ids"] = integers({batch, sequence}, ids);
  given["attention_mask"] = integers({batch, sequence}, mask);
  given["labels"] = integers({batch, sequence}, targets);
  if (labels > 0) {
    given["token_type_ids"] = integers({batch, sequence}, types);
    std::vector<std::int64_t> classes;
    for (std::int64_t b = 0; b < batch; ++b) classes.push_back(below(labels));
    given["labels"] = integers({batch}, classes);
    std::vector<std::int64_t> last;
    for (std::int64_t b = 0; b < batch; ++b) last.push_back(b * sequence + below(sequence));
    given["last_tokens"] = integers({batch}, last);
  }
  return given;
}

/// Weights of a size that keeps activations near 1.
void add_parameters(const Graph& graph, TensorMap& given, std::mt19937_64& generator) {
  for (const Value& value : graph.values) {
    if (is_computed(value) || given.count(value.name) > 0) continue;
    if (value.dtype == DType::I64) {
      given[value.name] = integers(value.shape, {3});
      continue;
    }
    Tensor tensor = test::normal_f64(generator, value.shape);
    for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
      tensor.data<double>()[i] *= 1 / std::sqrt(static_cast<double>(value.shape.back()));
      if (value.name.find("norm.weight") != std::string::npos ||
          value.name.find("Norm.weight") != std::string::npos) {
        tensor.data<double>()[i] += 1;
      }
    }
    given[value.name] = tensor;
  }
}

void check_loss_derivatives(const Transformer& transformer, std::int64_t vocabulary,
                            std::int64_t labels, std::uint64_t seed, std::size_t trainable) {
  INFO("seed " << seed);
  std::mt19937_64 generator(seed);
  TensorMap given = batch_of(transformer, vocabulary, labels, generator);
  add_parameters(transformer.graph, given, generator);
  const auto errors =
      test::loss_derivative_errors(transformer.graph, transformer.loss, given, 2e-5, generator);
  CHECK(errors.size() == trainable);
  for (const auto& [name, error] : errors) {
    INFO(name);
    CHECK(error <= 1e-7);
  }
}

}  // namespace

TEST_CASE("a whole LLaMA's adapters have derivatives that are central differences") {
  const auto seed = GENERATE(1u, 2u);
  LlamaShape shape = tiny_llama();
  shape.tied_embeddings = seed == 2;
  Transformer transformer = build_llama(shape, 2, 7);
  test::TrainedLora plan;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) {
      plan.adapters.push_back({module.name, {3.0, 2, seed == 2}});
    }
    if (module.bias) plan.trainable_biases.push_back(module.name);
  }
  if (seed == 1) {
    plan.saved_modules = {"model.layers.1.post_attention_layernorm", "model.norm"};
    plan.dropout = 0.2;
    plan.dropout_seed = 5;
  } else {
    plan.trainable_tokens = {{"model.embed_tokens", {3, 11}}};
    plan.adapters.pop_back();  // of lm_head: its weight is replaced
  }
  test::apply(transformer, plan);
  const std::size_t adapters = 2 * plan.adapters.size(), biases = 14;
  check_loss_derivatives(transformer, shape.vocabulary, 0, seed,
                         adapters + biases + (seed == 1 ? 2 : 1));
}

TEST_CASE("embedding adapters and saved tied modules have the right derivatives") {
  LlamaShape shape = tiny_llama();
  shape.attention_bias = shape.mlp_bias = false;
  shape.tied_embeddings = true;
  shape.pad_token_id.reset();
  test::TrainedLora plan;
  SECTION("an adapter on the embedding") {
    plan.adapters = {{"model.embed_tokens", {4.0, 2, false}}, {"lm_head", {4.0, 3, false}}};
    Transformer transformer = build_llama(shape, 2, 5);
    test::apply(transformer, plan);
    check_loss_derivatives(transformer, shape.vocabulary, 0, 3, 4);
  }
  SECTION("the embedding saved: the head stays as it was") {
    plan.saved_modules = {"model.embed_tokens"};
    Transformer transformer = build_llama(shape, 2, 5);
    test::apply(transformer, plan);
    const auto head = find_value(transformer.graph, "lm_head.weight");
    REQUIRE(head.has_value());
    CHECK(transformer.graph.value(*head).role == Role::kFrozen);
    check_loss_derivatives(transformer, shape.vocabulary, 0, 4, 1);
  }
  SECTION("the head saved: the embedding stays as it was") {
    plan.saved_modules = {"lm_head"};
    Transformer transformer = build_llama(shape, 2, 5);
    test::apply(transformer, plan);
    check_loss_derivatives(transformer, shape.vocabulary, 0, 5, 1);
  }
}

TEST_CASE("trained tokens of an output head have the right derivatives, tied or not") {
  const bool tied = GENERATE(false, true);
  LlamaShape shape = tiny_llama();
  shape.attention_bias = shape.mlp_bias = false;
  shape.tied_embeddings = tied;
  shape.pad_token_id.reset();
  test::TrainedLora plan;
  plan.trainable_tokens = {{"model.embed_tokens", {3, 11}}, {"lm_head", {11, 2, 7}}};
  Transformer transformer = build_llama(shape, 2, 5);
  test::apply(transformer, plan);
  check_loss_derivatives(transformer, shape.vocabulary, 0, 21, 2);
}

TEST_CASE("trained rows of a head are the head's, and of a tied table the embedding's as well") {
  const auto logits = [](const test::TrainedLora& plan, bool tied) {
    LlamaShape shape = tiny_llama();
    shape.attention_bias = shape.mlp_bias = false;
    shape.tied_embeddings = tied;
    Transformer transformer = build_llama(shape, 1, 4);
    test::apply(transformer, plan);
    std::mt19937_64 generator(22);
    TensorMap given = batch_of(transformer, shape.vocabulary, 0, generator);
    // Rows of zeros: a head's row of zeros gives a logit of 0.
    for (const Value& value : transformer.graph.values)
      if (value.role == Role::kTrainable) given[value.name] = Tensor(DType::F64, value.shape);
    add_parameters(transformer.graph, given, generator);
    execute(transformer.graph, Numerics::kFp64, given);
    const Tensor& tensor = given.at("logits");
    return std::vector<double>(tensor.data<double>(), tensor.data<double>() + shape.vocabulary);
  };
  test::TrainedLora embedding, head, both;
  embedding.trainable_tokens = {{"model.embed_tokens", {4}}};
  head.trainable_tokens = {{"lm_head", {5}}};
  both.trainable_tokens = {{"model.embed_tokens", {4}}, {"lm_head", {5}}};
  for (const bool tied : {false, true}) {
    CHECK(logits(head, tied)[5] == 0);
    CHECK(logits(head, tied)[4] != 0);
    CHECK((logits(embedding, tied)[4] == 0) == tied);
    CHECK(logits(both, tied)[5] == 0);
    CHECK(logits(both, tied)[4] != 0);
  }
}

TEST_CASE("trained rows of the table of positions take their place") {
  Transformer transformer = build_bert(tiny_bert(), 3, 6);
  test::TrainedLora plan;
  plan.trainable_tokens = {{"bert.embeddings.position_embeddings", {0, 4}}};
  test::apply(transformer, plan);
  check_loss_derivatives(transformer, tiny_bert().vocabulary, tiny_bert().labels, 23, 1);
}

TEST_CASE("a BERT that is a decoder classifies by what its first token alone sees") {
  BertShape shape = tiny_bert();
  for (const bool causal : {false, true}) {
    shape.causal = causal;
    const Transformer transformer = build_bert(shape, 1, 4);
    std::mt19937_64 generator(24);
    TensorMap given;
    given["input_ids"] = integers({1, 4}, {1, 2, 3, 4});
    given["attention_mask"] = integers({1, 4}, {1, 1, 1, 1});
    given["token_type_ids"] = integers({1, 4}, {0, 0, 0, 0});
    given["labels"] = integers({1}, {0});
    add_parameters(transformer.graph, given, generator);
    const auto logit = [&](std::int64_t last) {
      TensorMap values = given;
      values["input_ids"] = integers({1, 4}, {1, 2, 3, last});
      execute(transformer.graph, Numerics::kFp64, values);
      return values.at("logits").data<double>()[0];
    };
    CHECK((logit(4) == logit(5)) == causal);
  }
}

TEST_CASE("a LLaMA that classifies has derivatives that are central differences") {
  LlamaShape shape = tiny_llama();
  shape.labels = 3;
  Transformer transformer = build_llama(shape, 3, 6);
  test::TrainedLora plan;
  plan.saved_modules = {"score", "model.norm"};
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear && module.name != "score") {
      plan.adapters.push_back({module.name, {3.0, 2, false}});
    }
  }
  test::apply(transformer, plan);
  check_loss_derivatives(transformer, shape.vocabulary, shape.labels, 11,
                         2 * plan.adapters.size() + 2);
}

TEST_CASE("a LLaMA classifies several sequences only if it knows padding") {
  LlamaShape shape = tiny_llama();
  shape.labels = 3;
  shape.pad_token_id.reset();
  CHECK_NOTHROW(build_llama(shape, 1, 6));
  CHECK_THROWS_WITH(build_llama(shape, 2, 6), Contains("expected a pad_token_id"));
}

TEST_CASE(
    "a whole BERT's adapters, biases and head have derivatives that are central differences") {
  const auto function = GENERATE(ActivationFunction::kGeluErf, ActivationFunction::kGeluTanh);
  BertShape shape = tiny_bert();
  shape.activation = function;
  Transformer transformer = build_bert(shape, 3, 6);
  test::TrainedLora plan;
  plan.saved_modules = {"classifier", "bert.embeddings.position_embeddings"};
  for (const Module& module : transformer.modules) {
    if (module.name == "classifier") continue;
    if (module.kind == ModuleKind::kLinear) {
      plan.adapters.push_back({module.name, {3.0, 2, false}});
    }
    // A key's bias shifts each row of scores evenly: its derivative is 0.
    const bool key = module.name.find("key") != std::string::npos;
    if (module.bias && !key) plan.trainable_biases.push_back(module.name);
  }
  test::apply(transformer, plan);
  check_loss_derivatives(transformer, shape.vocabulary, shape.labels, 6,
                         2 * plan.adapters.size() + plan.trainable_biases.size() + 3);
}

TEST_CASE("adapters on BERT's three embeddings have derivatives that are central differences") {
  Transformer transformer = build_bert(tiny_bert(), 3, 6);
  test::TrainedLora plan;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kEmbedding) {
      plan.adapters.push_back({module.name, {3.0, 2, false}});
    }
  }
  REQUIRE(plan.adapters.size() == 3);
  test::apply(transformer, plan);
  check_loss_derivatives(transformer, tiny_bert().vocabulary, tiny_bert().labels, 12, 6);
}

TEST_CASE("the three numerics agree, and bf16 keeps what the account says") {
  LlamaShape shape = tiny_llama();
  Transformer transformer = build_llama(shape, 2, 7);
  test::TrainedLora plan;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {3.0, 2, false}});
  }
  test::apply(transformer, plan);
  const std::size_t forward_ops = transformer.graph.ops.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  differentiate(transformer.graph, request);
  std::mt19937_64 generator(7);
  TensorMap given = batch_of(transformer, shape.vocabulary, 0, generator);
  add_parameters(transformer.graph, given, generator);

  std::map<Numerics, std::vector<double>> gradients;
  std::map<Numerics, double> losses;
  for (const Numerics numerics : {Numerics::kFp64, Numerics::kFp32, Numerics::kBf16}) {
    TensorMap values = given;
    const ExecuteFigures figures = execute(transformer.graph, numerics, values);
    if (numerics == Numerics::kBf16) {
      const StepAccount account = account_of(transformer.graph, forward_ops, 2);
      CHECK(figures.peak_bytes == account.peak_bytes - account.optimizer_bytes);
    }
    CHECK(values.at("loss").dtype == stored_dtype(numerics, DType::F32));
    const auto element = [](const Tensor& tensor, std::int64_t i) {
      return tensor.dtype == DType::F64 ? tensor.data<double>()[i]
                                        : static_cast<double>(tensor.data<float>()[i]);
    };
    losses[numerics] = element(values.at("loss"), 0);
    for (const Value& value : transformer.graph.values) {
      if (value.role != Role::kTrainable) continue;
      const Tensor& gradient = values.at(value.name + "_grad");
      for (std::int64_t i = 0; i < element_count(gradient.shape); ++i) {
        gradients[numerics].push_back(element(gradient, i));
      }
    }
  }
  const auto distance = [&](Numerics numerics) {
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < gradients[numerics].size(); ++i) {
      const double exact = gradients[Numerics::kFp64][i];
      difference += std::pow(gradients[numerics][i] - exact, 2);
      size += exact * exact;
    }
    return std::sqrt(difference / size);
  };
  CHECK(losses[Numerics::kFp32] == Approx(losses[Numerics::kFp64]).epsilon(1e-6));
  CHECK(losses[Numerics::kBf16] == Approx(losses[Numerics::kFp64]).epsilon(5e-3));
  CHECK(distance(Numerics::kFp32) <= 1e-5);
  CHECK(distance(Numerics::kBf16) <= 0.1);  // large adapters, whose rounding adds up
  CHECK(distance(Numerics::kBf16) > 1e-4);  // it does round
}

TEST_CASE("what the forward pass leaves for the backward pass is the account's stash") {
  LlamaShape shape = tiny_llama();
  Transformer transformer = build_llama(shape, 2, 7);
  test::TrainedLora plan;
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear) plan.adapters.push_back({module.name, {3.0, 2, false}});
  }
  test::apply(transformer, plan);
  const std::size_t forward_ops = transformer.graph.ops.size();
  const std::size_t forward_values = transformer.graph.values.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  differentiate(transformer.graph, request);
  const StepAccount account = account_of(transformer.graph, forward_ops, 2);
  Graph forward = transformer.graph;
  forward.ops.resize(forward_ops);
  forward.values.erase(forward.values.begin() + static_cast<std::ptrdiff_t>(forward_values) + 2,
                       forward.values.end());  // with the exponentials that the loss keeps now

  // The forward pass alone, keeping what the backward pass reads. The masters' copies are no stash.
  std::set<ValueId> read;
  for (std::size_t i = forward_ops; i < transformer.graph.ops.size(); ++i) {
    for (const ValueId id : operands_of(transformer.graph.ops[i])) read.insert(id);
  }
  std::set<std::string> stash;
  for (const Op& op : forward.ops) {
    const auto* convert = std::get_if<Convert>(&op);
    const bool copy = convert != nullptr && !is_computed(forward.value(convert->in));
    for (const ValueId id : results_of(op)) {
      if (read.count(id) > 0 && !copy) stash.insert(forward.value(id).name);
    }
  }
  std::mt19937_64 generator(7);
  TensorMap values = batch_of(transformer, shape.vocabulary, 0, generator);
  add_parameters(forward, values, generator);
  execute(forward, Numerics::kBf16, values, {false, stash});
  std::size_t bytes = 0;
  for (const std::string& name : stash) bytes += values.at(name).bytes.size();
  CHECK(static_cast<std::int64_t>(bytes) ==
        account.adapter_stash_bytes + account.nonlinear_stash_bytes + account.loss_stash_bytes);
}

TEST_CASE("a causal model cannot see later tokens, nor padding") {
  const LlamaShape shape = tiny_llama();
  const Transformer transformer = build_llama(shape, 1, 6);
  std::mt19937_64 generator(8);
  TensorMap given;
  given["input_ids"] = integers({1, 6}, {1, 2, 3, 4, 5, 6});
  given["attention_mask"] = integers({1, 6}, {1, 0, 1, 1, 1, 1});
  given["labels"] = given["input_ids"];
  add_parameters(transformer.graph, given, generator);
  const auto logits = [&](std::vector<std::int64_t> ids) {
    TensorMap values = given;
    values["input_ids"] = integers({1, 6}, ids);
    execute(transformer.graph, Numerics::kFp64, values);
    const Tensor& tensor = values.at("logits");
    return std::vector<double>(tensor.data<double>(),
                               tensor.data<double>() + element_count(tensor.shape));
  };
  const auto rows_equal = [&](const std::vector<double>& a, const std::vector<double>& b,
                              std::int64_t row) {
    const auto begin = static_cast<std::ptrdiff_t>(row * shape.vocabulary);
    return std::equal(a.begin() + begin, a.begin() + begin + shape.vocabulary, b.begin() + begin,
                      [](double x, double y) { return std::abs(x - y) <= 1e-12; });
  };
  const auto original = logits({1, 2, 3, 4, 5, 6});
  const auto later = logits({1, 2, 3, 4, 9, 6});
  const auto masked = logits({1, 9, 3, 4, 5, 6});
  for (const std::int64_t row : {0, 1, 2, 3}) CHECK(rows_equal(original, later, row));
  for (const std::int64_t row : {4, 5}) CHECK_FALSE(rows_equal(original, later, row));
  for (const std::int64_t row : {0, 2, 3, 4, 5}) CHECK(rows_equal(original, masked, row));
  CHECK_FALSE(rows_equal(original, masked, 1));
}

TEST_CASE("RoPE's frequencies by hand") {
  RopeParameters rope;
  rope.theta = 100;
  CHECK(rope_frequencies(rope, 4) == std::vector<float>{1.0f, 0.1f});
  rope.type = "linear";
  rope.factor = 4;
  CHECK(rope_frequencies(rope, 4) == std::vector<float>{0.25f, 0.025f});
  // Wavelengths 2 pi / f are 6.28 and 62.8 positions. With a context of 16: below 16/4 nothing is
  // kept; above 16/1 the second is divided by factor; the first lies between, at
  // (16 / 6.2832 - 1) / 3 = 0.51549: 0.48451 / 4 + 0.51549 = 0.63662.
  rope.type = "llama3";
  rope.original_max_position_embeddings = 16;
  const std::vector<float> frequencies = rope_frequencies(rope, 4);
  CHECK(frequencies[0] == Approx(0.63662).epsilon(1e-5));
  CHECK(frequencies[1] == Approx(0.025).epsilon(1e-6));
  rope.type = "yarn";
  CHECK_THROWS_WITH(rope_frequencies(rope, 4),
                    Equals("RoPE: expected the type default, linear or llama3, found yarn"));
}

TEST_CASE("wrong input is refused by name when it is executed") {
  const Transformer transformer = build_llama(tiny_llama(), 1, 4);
  std::mt19937_64 generator(9);
  TensorMap given;
  given["input_ids"] = integers({1, 4}, {1, 2, 3, 4});
  given["attention_mask"] = integers({1, 4}, {1, 1, 1, 1});
  given["labels"] = given["input_ids"];
  add_parameters(transformer.graph, given, generator);
  const auto message = [&](const std::string& name, const Tensor& tensor) {
    TensorMap values = given;
    values[name] = tensor;
    try {
      execute(transformer.graph, Numerics::kFp32, values);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message("input_ids", integers({1, 4}, {1, 2, 19, 4})) ==
        "input_ids[2]: expected an id from 0 to 18, the rows of model.embed_tokens.weight, found "
        "19");
  CHECK(message("labels", integers({1, 4}, {7, -100, -100, -100})) ==
        "labels: expected at least one target, found none: all labels are -100");
  CHECK(message("labels", integers({1, 4}, {1, 2, 3, 19})) ==
        "labels[3]: expected a label from 0 to 18, or -100, found 19");
  CHECK(message("lm_head.weight", Tensor(DType::F32, {18, 12})) ==
        "lm_head.weight: expected BF16 [19, 12], found F32 [18, 12]");
  CHECK(message("labels", given["labels"]).empty());
}

TEST_CASE("a plan that does not fit is refused by name") {
  const auto message = [](const test::TrainedLora& plan) {
    Transformer transformer = build_bert(tiny_bert(), 1, 4);
    try {
      test::apply(transformer, plan);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  test::TrainedLora plan;
  plan.adapters = {{"bert.nowhere", {1, 1, false}}};
  CHECK(message(plan) == "the model has no module bert.nowhere");
  plan.adapters = {{"bert.pooler.dense", {1, 1, false}}, {"bert.pooler.dense", {1, 1, false}}};
  CHECK(message(plan) == "bert.pooler.dense is listed twice as an adapter's module");
  plan.adapters = {{"bert.embeddings.LayerNorm", {1, 1, false}}};
  CHECK_THAT(message(plan), Contains("is a normalisation"));
  plan.adapters = {{"bert.pooler.dense", {1, 0, false}}};
  CHECK(message(plan) == "LoRA: expected a rank of at least 1, found 0");
  plan.adapters = {{"classifier", {1, 1, false}}};
  plan.saved_modules = {"classifier"};
  CHECK(message(plan) == "classifier is both adapted and saved");
  plan = {};
  plan.trainable_tokens = {{"bert.pooler.dense", {1}}};
  CHECK_THAT(message(plan), Contains("a linear without a bias"));
  plan = {};
  plan.trainable_biases = {"bert.embeddings.word_embeddings"};
  CHECK(message(plan) == "bert.embeddings.word_embeddings has no bias to train");
}

TEST_CASE("one fp32 step of MiniLM on 8 x 32 tokens", "[.benchmark]") {
  BertShape shape;
  shape.vocabulary = 30522;
  shape.hidden = 384;
  shape.intermediate = 1536;
  shape.layers = 6;
  shape.heads = 12;
  shape.max_positions = 512;
  Transformer transformer = build_bert(shape, 8, 32);
  test::TrainedLora plan;
  plan.saved_modules = {"classifier"};
  for (const Module& module : transformer.modules) {
    if (module.kind == ModuleKind::kLinear && module.name != "classifier") {
      plan.adapters.push_back({module.name, {32, 16, false}});
    }
  }
  test::apply(transformer, plan);
  DifferentiateRequest request;
  request.loss = transformer.loss;
  differentiate(transformer.graph, request);
  std::mt19937_64 generator(10);
  TensorMap values = batch_of(transformer, shape.vocabulary, shape.labels, generator);
  add_parameters(transformer.graph, values, generator);
  for (auto& [name, tensor] : values) {
    if (tensor.dtype != DType::F64) continue;
    Tensor narrow(DType::F32, tensor.shape);
    std::copy_n(tensor.data<double>(), element_count(tensor.shape), narrow.data<float>());
    tensor = narrow;
  }
  for (const Numerics numerics : {Numerics::kFp32, Numerics::kFp32, Numerics::kBf16}) {
    const std::clock_t start = std::clock();
    const ExecuteFigures figures = execute(transformer.graph, numerics, values);
    WARN(name_of(numerics) << ": " << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC
                           << " CPU seconds, peak " << figures.peak_bytes << " bytes");
  }
}
