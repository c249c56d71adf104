// The account of a step against the formulas of arithmetic and memory, worked out here from the
// shapes alone.
#include "models/graph/account.h"

#include <catch2/catch.hpp>

#include "models/graph/differentiate.h"
#include "models/transformer/bert.h"
#include "models/transformer/llama.h"
#include "tests/models/peft/trained_lora.h"

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
  test::TrainedLora plan;
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
  test::apply(transformer, plan);
  const std::size_t forward_ops = transformer.graph.ops.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  differentiate(transformer.graph, request);
  check(transformer.graph);
  return account_of(transformer.graph, forward_ops, 2);
}

const LlamaShape kTiny = llama(64, 176, 2, 4, 2, 256);
const LlamaShape kTinyLlama = llama(2048, 5632, 22, 32, 4, 32000);
const LlamaShape kLlama7B = llama(4096, 11008, 32, 32, 32, 32000);
const std::vector<std::string> kQueryAndValue = {"query", "value"};
const std::vector<std::string> kBertLinears = {"query", "key", "value", "dense"};
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
  // Elements of a layer: q, k, v; P; two norm inputs; their 1 / rms; gate and up. In BF16, but P
  // and 1 / rms have 4 bytes. The lowest norm has no derivative, the last one of the model has.
  const std::int64_t stash =
      tokens * (q + 2 * kv) + scores + 2 * tokens * h + 2 * tokens + 2 * tokens * i;
  CHECK(account.nonlinear_stash_bytes == n * (2 * stash + 2 * scores + 2 * 2 * tokens));
  CHECK(account.loss_stash_bytes == 4 * tokens * s.vocabulary + 4 * tokens);
  const std::int64_t parameters =
      2 * s.vocabulary * h + n * (h * (q + 2 * kv) + q * h + 3 * h * i + 2 * h) + h;
  CHECK(account.weight_bytes == 2 * parameters);
  CHECK(account.peak_bytes > account.weight_bytes + account.optimizer_bytes +
                                 account.adapter_stash_bytes + account.nonlinear_stash_bytes);
}

/// The same for BERT with adapters on all linears, the pooler's too, and the classifier saved; or
/// on query and value alone.
void check_bert(const BertShape& s, std::int64_t batch, std::int64_t sequence, int rank, bool all) {
  Transformer transformer = build_bert(s, batch, sequence);
  const StepAccount account =
      account_with_adapters(transformer, rank, all ? kBertLinears : kQueryAndValue, {"classifier"});
  const std::int64_t tokens = batch * sequence, r = rank, h = s.hidden, i = s.intermediate;
  const std::int64_t n = s.layers, scores = batch * s.heads * sequence * sequence;
  const std::int64_t head_dim = h / s.heads;

  const std::int64_t linears = n * tokens * (4 * h * h + 2 * h * i);
  CHECK(macs_of(account, Part::kFrozen, Pass::kForward) == linears);
  CHECK(macs_of(account, Part::kFrozen, Pass::kInputGradient) == linears - 3 * tokens * h * h);
  CHECK(macs_of(account, Part::kAttention, Pass::kForward) == 2 * n * scores * head_dim);
  // No dk in the lowest layer, unless the key is adapted.
  CHECK(macs_of(account, Part::kAttention, Pass::kInputGradient) ==
        (4 * n - (all ? 0 : 1)) * scores * head_dim);

  const std::int64_t widths = all ? n * (4 * (h + h) + 2 * (h + i)) : n * 2 * (h + h);
  const std::int64_t pooler = all ? h + h : 0;  // reads one token of each sequence
  CHECK(account.trainable_elements == r * (widths + pooler) + s.labels * (h + 1));
  CHECK(account.optimizer_bytes == 8 * account.trainable_elements);
  CHECK(adapter_macs(account, Pass::kForward) == r * (tokens * widths + batch * pooler));
  CHECK(adapter_macs(account, Pass::kWeightGradient) == r * (tokens * widths + batch * pooler));

  // x of query, key and value together, of the other three linears; u of the six. x and u of the
  // pooler; the classifier's x is kept for tanh anyway.
  CHECK(account.adapter_stash_bytes ==
        (all ? 2 * (n * (tokens * (3 * h + i) + 6 * r * tokens) + batch * (h + r))
             : 2 * n * (tokens * h + 2 * r * tokens)));
  // Elements of a layer: q, k, v; P; what two LayerNorms need; their 1 / std; what GELU reads. The
  // result of the pooler's tanh; no q where there is no dk.
  const std::int64_t stash =
      n * (3 * tokens * h + scores + 2 * tokens * h + 2 * tokens + tokens * i);
  CHECK(account.nonlinear_stash_bytes ==
        2 * stash + n * (2 * scores + 2 * 2 * tokens) + 2 * batch * h - (all ? 0 : 2 * tokens * h));
  CHECK(account.loss_stash_bytes == 4 * batch * s.labels + 4 * batch);
}

/// One column of a table of sizes that was worked out apart from this program, to three digits.
struct Column {
  double trainable, linears, head, attention, adapters;  // multiplications of the forward pass
  double input_gradients, attention_gradients, adapter_gradients, total;
  double weights, adapter_bytes, optimizer;  // bytes
  double adapter_stash, nonlinear_stash, p;  // bytes; P as if it were BF16
};

/// `spared`: what the table counts and no derivative of this step needs.
void check_column(const StepAccount& account, const Column& table, double spared = 0) {
  CHECK(is_about(account.trainable_elements, table.trainable));
  CHECK(is_about(macs_of(account, Part::kFrozen, Pass::kForward), table.linears));
  if (table.head > 0) CHECK(is_about(macs_of(account, Part::kHead, Pass::kForward), table.head));
  CHECK(is_about(macs_of(account, Part::kAttention, Pass::kForward), table.attention));
  CHECK(is_about(adapter_macs(account, Pass::kForward), table.adapters));
  CHECK(is_about(macs_of(account, Part::kFrozen, Pass::kInputGradient), table.input_gradients));
  CHECK(is_about(macs_of(account, Part::kAttention, Pass::kInputGradient),
                 table.attention_gradients));
  CHECK(is_about(
      adapter_macs(account, Pass::kInputGradient) + adapter_macs(account, Pass::kWeightGradient),
      table.adapter_gradients));
  CHECK(is_about(account.total_macs, table.total));
  CHECK(is_about(account.weight_bytes, table.weights));
  CHECK(is_about(account.adapter_bytes, table.adapter_bytes));
  CHECK(is_about(account.gradient_bytes, table.adapter_bytes));
  CHECK(is_about(account.optimizer_bytes, table.optimizer));
  CHECK(is_about(account.adapter_stash_bytes, table.adapter_stash));
  CHECK(is_about(account.nonlinear_stash_bytes, table.nonlinear_stash + table.p - spared));
}

StepAccount llama_account(const LlamaShape& shape, std::int64_t batch, std::int64_t sequence,
                          int rank) {
  Transformer transformer = build_llama(shape, batch, sequence);
  return account_with_adapters(transformer, rank, kLlamaLinears, {});
}

StepAccount mini_lm_account(int rank, const std::vector<std::string>& suffixes) {
  Transformer transformer = build_bert(mini_lm(), 8, 32);
  return account_with_adapters(transformer, rank, suffixes, {"classifier"});
}

}  // namespace

TEST_CASE("the account of LLaMA steps equals the formulas") {
  check_llama(kTiny, 2, 24, 4);
  check_llama(llama(48, 100, 3, 3, 1, 77), 3, 7, 5);
  check_llama(kTinyLlama, 1, 512, 16);
  check_llama(kLlama7B, 1, 512, 16);
}

TEST_CASE("the account of BERT steps equals the formulas") {
  for (const bool all : {false, true}) {
    INFO((all ? "all linears" : "query and value"));
    check_bert(mini_lm(), 8, 32, 8, all);
    BertShape odd = mini_lm();
    odd.vocabulary = 61;
    odd.hidden = 30;
    odd.intermediate = 44;
    odd.layers = 3;
    odd.heads = 5;
    odd.labels = 3;
    check_bert(odd, 3, 7, 5, all);
  }
}

TEST_CASE("the account equals a table of sizes in round numbers") {
  SECTION("a tiny LLaMA, 2 x 24 tokens, r = 4") {
    check_column(llama_account(kTiny, 2, 24, 4),
                 {9.34e3, 4.42e6, 0.786e6, 0.295e6, 0.4485e6, 4.03e6, 0.59e6, 0.86e6, 12.2e6, 250e3,
                  37.4e3, 74.8e3, 76e3, 136e3, 18.4e3});
  }
  SECTION("MiniLM, 8 x 32 tokens, r = 8 on query and value") {
    check_column(mini_lm_account(8, kQueryAndValue),
                 {75.3e3, 2.72e9, 0, 37.7e6, 18.9e6, 2.61e9, 72.4e6, 36.2e6, 5.49e9, 45.4e6, 301e3,
                  602e3, 1.23e6, 11.8e6, 1.18e6},
                 2 * 256 * 384);  // q of the lowest layer
  }
  SECTION("MiniLM, 8 x 32 tokens, r = 16 on all linears") {
    check_column(mini_lm_account(16, kBertLinears),
                 {677e3, 2.72e9, 0, 37.7e6, 170e6, 2.61e9, 75.5e6, 335e6, 5.95e9, 45.4e6, 2.71e6,
                  5.42e6, 8.55e6, 11.8e6, 1.18e6});
  }
  SECTION("TinyLlama 1.1B, 512 tokens, r = 16") {
    check_column(llama_account(kTinyLlama, 1, 512, 16),
                 {12.6e6, 496e9, 33.6e9, 23.6e9, 6.46e9, 493e9, 47.2e9, 12.9e9, 1.15e12, 2.2e9,
                  50.5e6, 101e6, 268e6, 773e6, 369e6});
  }
  SECTION("LLaMA 7B, 512 tokens, r = 16") {
    check_column(llama_account(kLlama7B, 1, 512, 16),
                 {40.0e6, 3.32e12, 67.1e9, 68.7e9, 20.5e9, 3.29e12, 137e9, 40.8e9, 7.01e12, 13.5e9,
                  160e6, 320e6, 767e6, 1.93e9, 537e6});
  }
}
