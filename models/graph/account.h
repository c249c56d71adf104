// What one training step takes, from the shapes of its graph alone: arithmetic and memory.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "models/graph/graph.h"

namespace corank {

struct MacsOfKind {
  GemmKind kind;
  std::int64_t macs = 0;
};

/// All bytes in the graph's own dtypes: BF16 for weights and activations, F32 for what is trained;
/// those of packed weights as they are stored.
struct StepAccount {
  /// Every kind that occurs, once; forward ones first. What is computed again has a kind of its
  /// own.
  std::vector<MacsOfKind> macs;
  std::int64_t total_macs = 0;

  std::int64_t weight_bytes = 0;   // frozen values
  std::int64_t adapter_bytes = 0;  // trainable values
  std::int64_t trainable_elements = 0;
  std::int64_t gradient_bytes = 0;  // of the trainable values
  std::int64_t optimizer_bytes = 0;

  /// Computed values that the backward pass reads: those that a weight gradient multiplies, the
  /// exponentials, and the rest, which frozen non-linear ops, attention and recomputation need.
  std::int64_t adapter_stash_bytes = 0;
  std::int64_t nonlinear_stash_bytes = 0;
  std::int64_t loss_stash_bytes = 0;

  /// The largest sum of the bytes of all values alive at one time, as execute() keeps them in bf16,
  /// and the optimizer's moments.
  std::int64_t peak_bytes = 0;
};

/// `forward_ops` is the number of ops before differentiate() (graph.ops.size() then); `moments` the
/// number of F32 optimizer moments per trainable element where the graph holds no optimizer ops: 2
/// for AdamW, 1 for SGD with momentum, 0 for plain SGD.
StepAccount account_of(const Graph& graph, std::size_t forward_ops, int moments);

/// The rounded copy of a parameter: it counts as no activation, and in no stash.
bool copies_parameter(const Graph& graph, const Op& op);

/// The largest sum of the bytes of all values alive at one time, by the rule of execute(): a value
/// lives from the op that writes it to the last one that reads it; given values and results stay,
/// but for those in `passing`.
std::int64_t peak_bytes_of(const Graph& graph, const std::set<ValueId>& passing = {});

/// What is kept for the backward pass, of all classes.
std::int64_t stash_bytes_of(const StepAccount& account);

/// Sum over the kinds of one part and pass.
std::int64_t macs_of(const StepAccount& account, Part part, Pass pass);

}  // namespace corank
