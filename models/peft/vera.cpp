#include "models/peft/vera.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/base/error.h"
#include "models/peft/adapter_dropout.h"
#include "models/peft/linear_product.h"

namespace corank {
namespace {

/// The first columns of A, or rows of B, for each size that a module has.
class Leading {
 public:
  Leading(Graph& graph, const char* name, int axis, int rank, std::int64_t largest)
      : axis_(axis), largest_(largest) {
    const Shape shape = axis == 0 ? Shape{largest, rank} : Shape{rank, largest};
    all_ = add_value(graph, {name, shape, DType::BF16, Role::kFrozen});
  }

  ValueId of(GraphRewriter& rewriter, std::int64_t size) {
    if (size == largest_) return all_;
    const auto found = parts_.find(size);
    if (found != parts_.end()) return found->second;
    Graph& graph = rewriter.graph();
    ValueId part = -1;
    rewriter.insert_first([&] {
      const std::string name = graph.value(all_).name + "." + std::to_string(size);
      part = add_slice(graph, name, all_, axis_, 0, size);
    });
    parts_[size] = part;
    return part;
  }

 private:
  int axis_;
  std::int64_t largest_;
  ValueId all_ = -1;
  std::map<std::int64_t, ValueId> parts_;
};

struct Projections {
  ValueId a = -1, b = -1;  // of one module
};

void wrap(GraphRewriter& rewriter, const Module& module, const Projections& projections,
          const AdapterDropout& dropout) {
  rewriter.insert_after(module.out, module.name + ".base", [&](ValueId base) {
    Graph& graph = rewriter.graph();
    const std::string& name = module.name;
    const auto vector = [&](const char* what, std::int64_t size) {
      return add_value(graph, {name + what, {size}, DType::F32, Role::kTrainable});
    };
    const ValueId d = vector(".vera_lambda_d", graph.value(projections.a).shape[0]);
    const ValueId b = vector(".vera_lambda_b", graph.value(projections.b).shape[0]);
    const ValueId x = add_dropped(graph, name + ".dropped", module.in, dropout);
    const GemmKind down{Part::kAdapterDown, Pass::kForward}, up{Part::kAdapterUp, Pass::kForward};
    const ValueId u = add_contraction(graph, name + ".u", {{x, false, projections.a, true, down}},
                                      1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
    const ValueId v = add_multiply(graph, name + ".v", u, d);
    const ValueId p = add_contraction(graph, name + ".p", {{v, false, projections.b, true, up}},
                                      1.0f, std::nullopt, DType::BF16, Role::kIntermediate);
    const ValueId delta = add_multiply(graph, name + ".delta", p, b, DType::F32);
    graph.ops.push_back(Add{base, delta, module.out});
  });
}

}  // namespace

void apply_vera(Transformer& transformer, const VeraPlan& plan) {
  if (plan.rank < 1)
    throw InputError("VeRA: expected a rank of at least 1, found " + std::to_string(plan.rank));
  Graph& graph = transformer.graph;
  std::set<std::string> adapted;
  std::int64_t in = 0, out = 0;
  for (const std::string& name : plan.modules) {
    const Module& module = linear_to_adapt(transformer, adapted, name, "VeRA");
    out = std::max(out, graph.value(module.weight).shape[0]);
    in = std::max(in, graph.value(module.weight).shape[1]);
  }
  if (plan.modules.empty()) return;
  AdapterDropout dropout = adapter_dropout(graph, plan.dropout, plan.dropout_seed, "VeRA");
  GraphRewriter rewriter(graph);
  Leading a(graph, kVeraA, 1, plan.rank, in), b(graph, kVeraB, 0, plan.rank, out);
  for (const std::string& name : plan.modules) {
    const Module& module = required_module(transformer, name);
    const Shape shape = graph.value(module.weight).shape;
    wrap(rewriter, module, {a.of(rewriter, shape[1]), b.of(rewriter, shape[0])}, dropout);
    ++dropout.stream;
  }
  check(graph);
}

}  // namespace corank
