// The account of a step against the formulas of arithmetic and memory, worked out here from the
// shapes alone.
#include "models/graph/account.h"

#include <catch2/catch.hpp>

#include "models/graph/differentiate.h"
#include "models/peft/lora.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"

using namespace corank;

namespace {

LlamaShape llama(std::int64_t hidden, std::int64_t intermediate, std::int64_t layers,
                 std::int64_t heads, std::int64_t kv_heads, std::int64_t vocabulary) {
  LlamaShape shape;
  shape.hidden = hidden;
  shape.intermediate = intermediate;
  shape.layers = layers;
  shape.heads = heads;
  shape.kv_heads = kv_heads;
  shape.head_dim = hidden / heads;
  shape.vocabulary = vocabulary;
  return shape;
}

BertShape mini_lm() {
  BertShape shape;
  shape.vocabulary = 30522;
  shape.hidden = 384;
  shape.intermediate = 1536;
  shape.layers = 6;
  shape.heads = 12;
  shape.max_positions = 512;
  shape.labels = 4;
  return shape;
}

/// Adapters of rank r on all linears of the layers.
StepAccount account_with_adapters(Transformer& transformer, int rank,
                                  const std::vector<std::string>& suffixes,
                                  const std::vector<std::string>& saved) {
  LoraPlan plan;
  plan.saved_modules = saved;
  for (const Module& module : transformer.modules) {
    for (const std::string& suffix : suffixes) {
      if (module.name.size() < suffix.size() ||
          module.name.compare(module.name.size() - suffix.size(), suffix.size(), suffix) != 0) {
        continue;
      }
      plan.adapters.push_back({module.name, {2.0 * rank, rank, false}});
      break;
    }
  }
  apply_lora(transformer, plan);
  const std::size_t forward_ops = transformer.graph.ops.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  differentiate(transformer.graph, request);
  check(transformer.graph);
  return account_of(transformer.graph, forward_ops, 2);
}

const std::vector<std::string> kLlamaLinears = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                "gate_proj", "up_proj", "down_proj"};

std::int64_t adapter_macs(const StepAccount& account, Pass pass) {
  return macs_of(account, Part::kAdapterDown, pass) + macs_of(account, Part::kAdapterUp, pass);
}

/// value to three significant digits, as a published table gives it.
bool is_about(std::int64_t value, double published) {
  return std::abs(static_cast<double>(value) / published - 1) < 0.005;
}

/// The formulas for LLaMA with adapters on all linears of the layers.
void check_llama(const LlamaShape& s, std::int64_t batch, std::int64_t sequence, int rank) {
  Transformer transformer = build_llama(s, batch, sequence);
  const StepAccount account = account_with_adapters(transformer, rank, kLlamaLinears, {});
  const std::int64_t tokens = batch * sequence, r = rank, h = s.hidden, i = s.intermediate;
  const std::int64_t q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim, n = s.layers;
  const std::int64_t scores = batch * s.heads * sequence * sequence;

  const std::int64_t linears = n * tokens * (h * (q + 2 * kv) + q * h + 3 * h * i);
  const std::int64_t lowest = tokens * h * (q + 2 * kv);  // dx of q, k, v: nothing trains below
  CHECK(macs_of(account, Part::kFrozen, Pass::kForward) == linears);
  CHECK(macs_of(account, Part::kFrozen, Pass::kInputGradient) == linears - lowest);
  CHECK(macs_of(account, Part::kFrozen, Pass::kWeightGradient) == 0);
  CHECK(macs_of(account, Part::kHead, Pass::kForward) == tokens * h * s.vocabulary);
  CHECK(macs_of(account, Part::kHead, Pass::kInputGradient) == tokens * h * s.vocabulary);
  CHECK(macs_of(account, Part::kAttention, Pass::kForward) == 2 * n * scores * s.head_dim);
  CHECK(macs_of(account, Part::kAttention, Pass::kInputGradient) == 4 * n * scores * s.head_dim);

  const std::int64_t widths =
      n * ((h + q) + 2 * (h + kv) + (q + h) + 2 * (h + i) + (i + h));  // sum of in + out
  CHECK(account.trainable_elements == r * widths);
  CHECK(account.adapter_bytes == 4 * r * widths);
  CHECK(account.gradient_bytes == 4 * r * widths);
  CHECK(account.optimizer_bytes == 8 * r * widths);
  CHECK(adapter_macs(account, Pass::kForward) == tokens * r * widths);
  CHECK(adapter_macs(account, Pass::kWeightGradient) == tokens * r * widths);
  CHECK(adapter_macs(account, Pass::kInputGradient) == tokens * r * widths - 3 * tokens * r * h);

  // x of q, k, v together, of o, of gate and up together, of down; u of the seven.
  CHECK(account.adapter_stash_bytes == 2 * n * (tokens * (h + q + h + i) + 7 * r * tokens));
  // q, k, v; P in FP32; two norm inputs and their 1/rms in FP32; gate and up. The lowest norm has
  // no derivative, the last one of the model has.
  CHECK(account.nonlinear_stash_bytes ==
        n * (2 * tokens * (q + 2 * kv) + 4 * scores + 2 * tokens * 2 * i) +
            2 * n * (2 * tokens * h + 4 * tokens));
  CHECK(account.loss_stash_bytes == 2 * tokens * s.vocabulary + 4 * tokens);
  const std::int64_t parameters =
      2 * s.vocabulary * h + n * (h * (q + 2 * kv) + q * h + 3 * h * i + 2 * h) + h;
  CHECK(account.weight_bytes == 2 * parameters);
  CHECK(account.peak_bytes > account.weight_bytes + account.optimizer_bytes +
                                 account.adapter_stash_bytes + account.nonlinear_stash_bytes);
}

}  // namespace

TEST_CASE("the account of LLaMA steps equals the formulas") {
  check_llama(llama(64, 176, 2, 4, 2, 256), 2, 24, 4);
  check_llama(llama(48, 100, 3, 3, 1, 77), 3, 7, 5);
  check_llama(llama(2048, 5632, 22, 32, 4, 32000), 1, 512, 16);    // TinyLlama 1.1B
  check_llama(llama(4096, 11008, 32, 32, 32, 32000), 1, 512, 16);  // LLaMA 7B
}

TEST_CASE("the account of LLaMA 7B, T = 512, r = 16 in round numbers") {
  Transformer transformer = build_llama(llama(4096, 11008, 32, 32, 32, 32000), 1, 512);
  const StepAccount account = account_with_adapters(transformer, 16, kLlamaLinears, {});
  CHECK(is_about(account.total_macs, 7.01e12));
  CHECK(is_about(account.trainable_elements, 40.0e6));
  CHECK(is_about(account.weight_bytes, 13.5e9));
  CHECK(is_about(account.adapter_bytes, 160e6));
  CHECK(is_about(account.optimizer_bytes, 320e6));
  CHECK(is_about(account.adapter_stash_bytes, 767e6));
  CHECK(is_about(
      adapter_macs(account, Pass::kInputGradient) + adapter_macs(account, Pass::kWeightGradient),
      40.8e9));
}

TEST_CASE("the account of MiniLM, 8 x 32 tokens, r = 8 on query and value, in round numbers") {
  Transformer transformer = build_bert(mini_lm(), 8, 32);
  const StepAccount account =
      account_with_adapters(transformer, 8, {"query", "value"}, {"classifier"});
  CHECK(account.trainable_elements == 6 * 2 * 8 * (384 + 384) + 4 * 384 + 4);
  CHECK(is_about(macs_of(account, Part::kFrozen, Pass::kForward), 2.72e9));
  CHECK(is_about(macs_of(account, Part::kFrozen, Pass::kInputGradient), 2.61e9));
  CHECK(is_about(macs_of(account, Part::kAttention, Pass::kForward), 37.7e6));
  // Four products a layer, but no dk in the lowest one, where nothing below key is trained.
  CHECK(macs_of(account, Part::kAttention, Pass::kInputGradient) ==
        (4 * 6 - 1) * (8 * 12 * 32 * 32 * 32));
  CHECK(is_about(adapter_macs(account, Pass::kForward), 18.9e6));
  CHECK(is_about(
      adapter_macs(account, Pass::kInputGradient) + adapter_macs(account, Pass::kWeightGradient),
      36.2e6));
  CHECK(is_about(account.weight_bytes, 45.4e6));
  // x shared by query and value, and u of both, in BF16; the classifier's input is
  // kept for tanh anyway.
  CHECK(account.adapter_stash_bytes == 2 * 6 * (256 * 384 + 2 * 8 * 256));
}
