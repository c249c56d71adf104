// Where a value of a graph comes from: which module of the model, and what part of the step.
// Reports sum up by it, and what stands for several equal layers is found by it.
#pragma once

#include <string>

namespace corank {

/// Which part of a model something belongs to, and in which pass of the step.
enum class Part { kFrozen, kAdapterDown, kAdapterUp, kAttention, kHead };
/// Recomputed is what the backward pass makes again of the forward pass (models/graph/recompute.h).
enum class Pass { kForward, kInputGradient, kWeightGradient, kRecompute, kUpdate };

/// What a matrix product is to the model: utilisation and arithmetic are reported by this pair.
struct GemmKind {
  Part part = Part::kFrozen;
  Pass pass = Pass::kForward;
};
/// Of everything that is recomputed, whatever part it belongs to: a machine tells few kinds apart.
inline constexpr GemmKind kRecomputed{Part::kFrozen, Pass::kRecompute};
bool operator==(const GemmKind& a, const GemmKind& b);
/// Parts in their order, of each part the passes.
bool operator<(const GemmKind& a, const GemmKind& b);
/// "frozen forward", "adapter up weight gradient", ..., "recompute"
std::string to_string(const GemmKind& kind);
/// The same in one word: "adapter_up_weight_gradient".
std::string identifier_of(const GemmKind& kind);

struct Origin {
  std::string module;  // "" in a graph without modules
  int group = -1;      // which of the layers; -1: none of them
  GemmKind kind;       // of a product with several terms, that of the first
};

/// Of the optimizer's work on what comes from `origin`.
Origin update_of(Origin origin);

}  // namespace corank
