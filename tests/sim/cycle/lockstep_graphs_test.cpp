// Random graphs on both accelerators: every result is the reference's, every event, transaction and
// counter is equal.
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "host/verify/graph_case.h"
#include "host/verify/run_case.h"
#include "tests/end_to_end/row_passes.h"
#include "tests/end_to_end/test_machines.h"

namespace corank::test {

TEST_CASE("random graphs are bit-exact and take the same cycles on both") {
  const auto seed = static_cast<std::uint64_t>(setting("CORANK_SEED", 1));
  const auto cases = static_cast<int>(setting("CORANK_CASES", 300));
  const auto first = static_cast<int>(setting("CORANK_FIRST", 0));
  const CaseSource source = test_cases(10000);
  std::map<std::string, int> graphs_with;  // by op
  Verified sum;
  int dram = 0, by_phases = 0;
  for (int number = first; number < first + cases; ++number) {
    const GraphCase graph = make_graph_case(source, seed, number);
    const CompiledCase compiled(graph.drawn(), graph.program);
    INFO(describe(graph) << "; replay with CORANK_SEED=" << seed
                         << " CORANK_CASES=1 CORANK_FIRST=" << number);
    const CaseResult result = verify_case(compiled, library_of(graph.config.machine));
    CHECK(result.difference == "");
    sum += result.verified;
    std::set<std::string> ops;
    for (const Op& op : graph.program.graph.ops) ops.insert(name_of(op));
    for (const std::string& op : ops) ++graphs_with[op];
    by_phases += row_passes(graph.program, graph.config).by_phases > 0 ? 1 : 0;
    dram += graph.config.memory.kind == MemoryKind::kDram ? 1 : 0;
  }
  CHECK(sum.commands > 0);
  CHECK(sum.transactions > 0);
  CHECK(sum.result_bytes > 0);
  if (cases < 300) return;
  CHECK(dram * 10 >= cases * 4);
  CHECK(by_phases >= 20);
  for (const char* op : {"contraction",
                         "convert",
                         "adamw",
                         "sgd",
                         "add",
                         "multiply",
                         "scale",
                         "activation",
                         "activation_gradient",
                         "gated_activation",
                         "gated_activation_gradient",
                         "rms_norm",
                         "rms_norm_gradient",
                         "rms_norm_weight_gradient",
                         "layer_norm",
                         "layer_norm_gradient",
                         "rope",
                         "softmax",
                         "softmax_from_statistics",
                         "softmax_gradient",
                         "slice",
                         "pad",
                         "concat",
                         "split_heads",
                         "merge_heads",
                         "repeat_heads",
                         "sum_heads",
                         "sum_rows",
                         "dropout",
                         "select_rows",
                         "place_rows",
                         "replace_rows",
                         "embedding",
                         "scatter_add",
                         "cross_entropy",
                         "cross_entropy_gradient",
                         "square_sums",
                         "gradient_norm",
                         "clip_gradients"}) {
    INFO(op);
    CHECK(graphs_with[op] >= 10);
  }
}

}  // namespace corank::test
