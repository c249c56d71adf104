// A training step as one program: the graph with gradients, accumulation, clipping and the
// optimizer in it, what is fed anew with each step, and the states that go on from one step to the
// next. Whoever executes it, the references or the device, needs nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "models/program/optimizer.h"

namespace corank {

/// A given value that the next step finds changed: where this one has left its next value.
struct State {
  ValueId value = -1, next = -1;
};

/// Constants of the optimizer, fed with each step. `first_update` is the number of the first step's
/// update, counted over the life of what is trained, from 1.
struct OptimizerFeed {
  ValueId constants = -1;
  std::int64_t first_update = 1;
  ParameterGroup group = ParameterGroup::kDown;
};

struct TrainingProgram {
  Graph graph;
  OptimizerSettings optimizer;
  std::vector<OptimizerFeed> optimizer_feeds;
  std::vector<State> states;
  std::map<ValueId, ValueId> gradients;  // trainable value -> its gradient, before clipping
  ValueId gradient_norm = -1;            // of all gradients together, [1]; -1: nobody needs it
};

/// A trainable value of the graph, its gradient, the number of its next update, from 1, and whose
/// learning rate it has.
struct Trained {
  ValueId parameter = -1, gradient = -1;
  std::int64_t next_update = 1;
  ParameterGroup group = ParameterGroup::kDown;
};

/// Appends the norm of these gradients together, [1], named kGradientNorm. Their order in it is
/// that of the names of what is trained.
void add_gradient_norm(TrainingProgram& program, const std::vector<Trained>& trained);
inline constexpr const char* kGradientNorm = "gradient_norm";

/// Appends the updates of these values, their gradients clipped together if the optimizer clips; by
/// the norm that is there already, if there is one.
void add_updates(TrainingProgram& program, const std::vector<Trained>& trained);

/// What the optimizer is fed at step 0, 1, ..., by name.
TensorMap optimizer_feeds(const TrainingProgram& program, std::int64_t step);

/// The optimizer's states before its first step, by name: zeros.
TensorMap initial_moments(const TrainingProgram& program);

/// What an executor need not keep to the end of a step: states, which their next values replace,
/// and results that nobody asked for.
std::set<ValueId> passing_values(const TrainingProgram& program,
                                 const std::set<std::string>& asked);

/// The name of value `name` in one of a step's `micro_batches`: "name" of an only one, else
/// "name@2".
std::string micro_batch_name(const std::string& name, std::int64_t micro_batch,
                             std::int64_t micro_batches);
/// Its share in the step's gradients, F32 [1], fed where there are several.
inline constexpr const char* kShare = "share";

/// What a program takes at its first step, from inputs by names without micro-batches: every
/// micro-batch is fed the same, with equal shares, and the optimizer its constants; its states that
/// are not given start at zero.
TensorMap inputs_of(const TrainingProgram& program, TensorMap inputs);

/// The step takes `micro_batches` times what it is fed: every op that depends on what is fed is
/// there once for each, and the gradients of the trained values, which take their names, are the
/// sums of those of the micro-batches, each times its share, in their order from the first. Names
/// of what is there several times are micro_batch_name()'s. To be called before the updates are
/// added. Does nothing for one.
void repeat_micro_batches(TrainingProgram& program, std::int64_t micro_batches);

}  // namespace corank
