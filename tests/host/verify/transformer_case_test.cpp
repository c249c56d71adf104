// What random transformers are made of: everything that they promise occurs.
#include "host/verify/transformer_case.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <variant>

#include "models/ops/cross_entropy.h"
#include "tests/end_to_end/test_machines.h"

using namespace corank;
using namespace corank::test;

namespace {

constexpr int kCases = 90;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool norms_columns(const Graph& graph) {
  return std::any_of(graph.ops.begin(), graph.ops.end(), [](const Op& op) {
    const auto* sums = std::get_if<SquareSums>(&op);
    return sums != nullptr && sums->by_columns;
  });
}

template <class X>
bool has(const Graph& graph) {
  return std::any_of(graph.ops.begin(), graph.ops.end(),
                     [](const Op& op) { return std::holds_alternative<X>(op); });
}

bool has_trained(const Graph& graph, const std::string& part) {
  return std::any_of(graph.values.begin(), graph.values.end(), [&](const Value& value) {
    return value.role == Role::kTrainable && contains(value.name, part);
  });
}

/// Whether a tensor that steps are fed has a row for which `wanted` holds, of the first and the one
/// behind the last element.
bool any_row(const TransformerCase& drawn, const std::string& name,
             const std::function<bool(const std::int64_t*, const std::int64_t*)>& wanted) {
  for (const TensorMap& fed : drawn.feeds) {
    for (const auto& [key, tensor] : fed) {
      if (key.compare(0, name.size(), name) != 0) continue;
      const std::int64_t columns = tensor.shape.back();
      for (std::int64_t i = 0; i < element_count(tensor.shape); i += columns) {
        const auto* first = tensor.data<std::int64_t>() + i;
        if (wanted(first, first + columns)) return true;
      }
    }
  }
  return false;
}

void count(const TransformerCase& drawn, std::map<std::string, int>& counts) {
  const Graph& graph = drawn.program.graph;
  const OptimizerSettings& optimizer = drawn.program.optimizer;
  const auto note = [&](const char* what, bool is_there) { counts[what] += is_there ? 1 : 0; };
  note("llama", has<RmsNorm>(graph));
  note("bert", has<LayerNorm>(graph));
  note("repeated heads", has<RepeatHeads>(graph));
  note("predicts tokens", contains(drawn.model, "predicts tokens"));
  note("classifies", contains(drawn.model, "classifies"));
  note("tied", !find_value(graph, "lm_head.weight") && contains(drawn.model, "predicts tokens"));
  note("(IA)^3", has_trained(graph, ".ia3_l"));
  note("LoRA", has_trained(graph, ".lora_A."));
  note("LoRA of an embedding", has_trained(graph, ".lora_embedding_A"));
  note("dropout", has<Dropout>(graph));
  note("trained tokens", has_trained(graph, ".token_adapter."));
  note("biases", has_trained(graph, ".bias"));
  note("saved modules", contains(drawn.adapter, " saved"));
  note("columns normed", norms_columns(graph));
  note("clipped", has<ClipGradients>(graph));
  note("sgd", has<Sgd>(graph));
  note("adamw", has<AdamW>(graph));
  note("micro-batches", optimizer.accumulate > 1);
  note("steps", drawn.feeds.size() > 1);
  note("streamed", drawn.config.weights == Weights::kStreamed);
  note("planted", !drawn.planted.empty());
  using Element = const std::int64_t*;
  note("masked everywhere", any_row(drawn, "attention_mask", [](Element first, Element end) {
         return std::all_of(first, end, [](std::int64_t keep) { return keep == 0; });
       }));
  note("padding on the left", any_row(drawn, "attention_mask", [](Element first, Element end) {
         return *first == 0 && *(end - 1) == 1;
       }));
  note("padding on the right", any_row(drawn, "attention_mask", [](Element first, Element end) {
         return *first == 1 && *(end - 1) == 0;
       }));
  note("no target", any_row(drawn, "labels", [](Element first, Element end) {
         return std::find(first, end, kIgnoredLabel) != end;
       }));
}

}  // namespace

TEST_CASE("A transformer is the same whenever it is drawn, and another seed gives another") {
  const CaseSource source = test_cases(10000);
  for (const int number : {0, 5, 11}) {
    const TransformerCase one = make_transformer_case(source, 5, number),
                          same = make_transformer_case(source, 5, number);
    CHECK(describe(one) == describe(same));
    REQUIRE(one.feeds.size() == same.feeds.size());
    for (const auto& [name, tensor] : one.given) CHECK(tensor.bytes == same.given.at(name).bytes);
    CHECK(describe(one) != describe(make_transformer_case(source, 6, number)));
  }
}

TEST_CASE("Random transformers have all that they may have") {
  const CaseSource source = test_cases(10000);
  std::map<std::string, int> counts;
  for (int number = 0; number < kCases; ++number)
    count(make_transformer_case(source, 1, number), counts);
  for (const auto& [what, cases] : counts) {
    INFO(what);
    CHECK(cases >= kCases / 30);
  }
  CHECK(counts.size() == 25);
}
