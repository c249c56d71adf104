#include "models/program/training_program.h"

#include <algorithm>
#include <utility>

#include "models/graph/def_use.h"

namespace corank {
namespace {

/// In the names of constants.
const char* suffix_of(ParameterGroup group) {
  switch (group) {
    case ParameterGroup::kDown:
      break;
    case ParameterGroup::kUp:
      return ".up";
    case ParameterGroup::kUpWithoutDecay:
      return ".up_without_decay";
    case ParameterGroup::kEmbedding:
      return ".embedding";
  }
  return "";
}

/// The constants of updates that have the same number and learning rate.
ValueId constants_of_update(TrainingProgram& program, std::int64_t first_update,
                            ParameterGroup group) {
  std::vector<OptimizerFeed>& feeds = program.optimizer_feeds;
  const auto known = std::find_if(feeds.begin(), feeds.end(), [&](const OptimizerFeed& feed) {
    return feed.first_update == first_update && feed.group == group;
  });
  if (known != feeds.end()) return known->constants;
  std::string name = std::string(name_of(program.optimizer.kind)) + suffix_of(group);
  if (!feeds.empty() && first_update != feeds.front().first_update)
    name += "." + std::to_string(first_update);
  const bool sgd = program.optimizer.kind == OptimizerKind::kSgd;
  const ValueId constants = add_value(
      program.graph, {name, {sgd ? kSgdConstants : kAdamWConstants}, DType::F32, Role::kConstants});
  feeds.push_back({constants, first_update, group});
  return constants;
}

void add_update(TrainingProgram& program, const Trained& trained) {
  Graph& graph = program.graph;
  const OptimizerSettings settings = of_group(program.optimizer, trained.group);
  const ValueId constants = constants_of_update(program, trained.next_update, trained.group);
  if (settings.kind == OptimizerKind::kSgd) {
    add_sgd(graph, trained.parameter, trained.gradient, constants, form_of(settings.sgd));
    const Sgd& sgd = std::get<Sgd>(graph.ops.back());
    program.states.push_back({sgd.parameter, sgd.new_parameter});
    if (sgd.buffer) program.states.push_back({*sgd.buffer, *sgd.new_buffer});
    return;
  }
  add_adamw(graph, trained.parameter, trained.gradient, constants,
            settings.adamw.weight_decay != 0);
  const AdamW& adamw = std::get<AdamW>(graph.ops.back());
  program.states.push_back({adamw.parameter, adamw.new_parameter});
  program.states.push_back({adamw.first_moment, adamw.new_first_moment});
  program.states.push_back({adamw.second_moment, adamw.new_second_moment});
}

/// gradient@0 * share@0 + gradient@1 * share@1 + ..., as `name`.
ValueId add_weighted_sum(Graph& graph, const std::string& name,
                         const std::vector<ValueId>& gradients,
                         const std::vector<ValueId>& shares) {
  ValueId sum = -1;
  const auto count = static_cast<std::int64_t>(gradients.size());
  const auto name_of = [&](const char* what, std::size_t i) {
    return micro_batch_name(name + what, static_cast<std::int64_t>(i), count);
  };
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    graph.origin = update_of(graph.value(gradients[i]).origin);
    const ValueId weighted =
        add_scale_by(graph, name_of(".weighted", i), gradients[i], shares[i], DType::F32);
    const bool last = i + 1 == gradients.size();
    sum = i == 0 ? weighted
                 : add_add(graph, last ? name : name_of(".sum", i), sum, weighted, DType::F32);
    graph.value(sum).role = last ? Role::kResult : Role::kIntermediate;
  }
  graph.origin = {};
  return sum;
}

/// Whether an op makes a gradient of others: a sum of uses, or of micro-batches.
bool passes_on(const Op& op) {
  return std::holds_alternative<Add>(op) || std::holds_alternative<ScaleBy>(op);
}

/// The ops that have made a gradient, without those that pass it on.
std::vector<const Op*> sources_of(const Graph& graph, ValueId gradient) {
  std::vector<const Op*> sources;
  std::vector<ValueId> wanted = {gradient};
  while (!wanted.empty()) {
    const ValueId id = wanted.back();
    wanted.pop_back();
    for (const Op& op : graph.ops) {
      if (results_of(op).front() != id) continue;
      if (!passes_on(op)) {
        sources.push_back(&op);
        continue;
      }
      for (const ValueId operand : operands_of(op))
        if (is_computed(graph.value(operand))) wanted.push_back(operand);
    }
  }
  return sources;
}

/// Matrices with fewer columns than this, and more rows, are narrow.
constexpr std::int64_t kNarrow = 64;

/// Frozen weights may be streamed, and what they make lies as it is then.
bool reads_frozen(const Graph& graph, const Contraction& product) {
  return std::any_of(product.terms.begin(), product.terms.end(), [&](const Term& term) {
    return graph.value(term.left).role == Role::kFrozen ||
           graph.value(term.right).role == Role::kFrozen;
  });
}

/// Whether the squares of a gradient are summed up along its columns: those of a narrow one that
/// products without frozen weights have made (B of an adapter, with few and long columns), and of
/// one whose columns indices have named (A of an adapter on an embedding: a column is a row of the
/// table). So nothing but their orientation is left open to whoever stores them.
bool is_summed_by_columns(const Graph& graph, ValueId gradient) {
  const Shape& shape = graph.value(gradient).shape;
  if (shape.size() != 2) return false;
  const bool narrow = shape[1] < kNarrow && shape[1] < shape[0];
  const std::vector<const Op*> sources = sources_of(graph, gradient);
  return std::all_of(sources.begin(), sources.end(), [&](const Op* op) {
    if (const auto* scatter = std::get_if<ScatterAdd>(op)) return scatter->transposed;
    const auto* product = std::get_if<Contraction>(op);
    return narrow && product != nullptr && !reads_frozen(graph, *product);
  });
}

}  // namespace

void add_gradient_norm(TrainingProgram& program, const std::vector<Trained>& trained) {
  std::map<std::string, ValueId> by_name;
  for (const Trained& one : trained)
    by_name.emplace(program.graph.value(one.parameter).name, one.gradient);
  std::vector<NormedGradient> gradients;
  gradients.reserve(by_name.size());
  for (const auto& [name, gradient] : by_name)
    gradients.push_back({gradient, is_summed_by_columns(program.graph, gradient)});
  program.gradient_norm = add_gradient_norm(program.graph, kGradientNorm, gradients);
}

void add_updates(TrainingProgram& program, const std::vector<Trained>& trained) {
  std::vector<Trained> updated = trained;
  if (program.optimizer.clip_norm > 0) {
    if (program.gradient_norm < 0) add_gradient_norm(program, trained);
    std::vector<ValueId> gradients;
    gradients.reserve(trained.size());
    for (const Trained& one : trained) gradients.push_back(one.gradient);
    const std::vector<ValueId> clipped = add_clip_gradients(
        program.graph, gradients, program.gradient_norm, program.optimizer.clip_norm);
    for (std::size_t i = 0; i < updated.size(); ++i) updated[i].gradient = clipped[i];
  }
  for (const Trained& one : updated) add_update(program, one);
}

TensorMap optimizer_feeds(const TrainingProgram& program, std::int64_t step) {
  TensorMap feeds;
  for (const OptimizerFeed& feed : program.optimizer_feeds)
    feeds[program.graph.value(feed.constants).name] = optimizer_constants(
        of_group(program.optimizer, feed.group), step, feed.first_update + step);
  return feeds;
}

TensorMap initial_moments(const TrainingProgram& program) {
  TensorMap moments;
  for (const Value& value : program.graph.values) {
    if (value.role == Role::kState) moments.emplace(value.name, Tensor(value.dtype, value.shape));
  }
  return moments;
}

std::set<ValueId> passing_values(const TrainingProgram& program,
                                 const std::set<std::string>& asked) {
  std::set<ValueId> passing;
  const std::vector<Value>& values = program.graph.values;
  for (std::size_t id = 0; id < values.size(); ++id) {
    if (values[id].role == Role::kResult && asked.count(values[id].name) == 0)
      passing.insert(static_cast<ValueId>(id));
  }
  for (const State& state : program.states) {
    passing.insert(state.value);
    passing.erase(state.next);
  }
  return passing;
}

std::string micro_batch_name(const std::string& name, std::int64_t micro_batch,
                             std::int64_t micro_batches) {
  return micro_batches == 1 ? name : name + "@" + std::to_string(micro_batch);
}

TensorMap inputs_of(const TrainingProgram& program, TensorMap inputs) {
  const std::int64_t micro_batches = program.optimizer.accumulate;
  for (auto& feed : optimizer_feeds(program, 0)) inputs.insert(std::move(feed));
  for (auto& moment : initial_moments(program)) inputs.insert(std::move(moment));
  if (micro_batches == 1) return inputs;
  const Graph& graph = program.graph;
  for (std::int64_t i = 0; i < micro_batches; ++i) {
    Tensor share(DType::F32, {1});
    *share.data<float>() = static_cast<float>(1.0 / static_cast<double>(micro_batches));
    inputs[micro_batch_name(kShare, i, micro_batches)] = std::move(share);
  }
  std::vector<std::string> fed;
  for (const auto& [name, tensor] : inputs) {
    if (find_value(graph, micro_batch_name(name, 0, micro_batches))) fed.push_back(name);
  }
  for (const std::string& name : fed) {
    for (std::int64_t i = 1; i < micro_batches; ++i)
      inputs[micro_batch_name(name, i, micro_batches)] = inputs.at(name);
    inputs[micro_batch_name(name, 0, micro_batches)] = std::move(inputs.at(name));
    inputs.erase(name);
  }
  return inputs;
}

void repeat_micro_batches(TrainingProgram& program, std::int64_t micro_batches) {
  if (micro_batches == 1) return;
  Graph& graph = program.graph;
  const std::vector<bool> depends = depend_on_feeds(graph);
  const std::size_t values = graph.values.size(), ops = graph.ops.size();
  std::map<ValueId, std::string> names;  // of the gradients
  for (const auto& [parameter, gradient] : program.gradients) {
    names[gradient] = graph.value(gradient).name;
    graph.value(gradient).role = Role::kIntermediate;
  }
  std::map<ValueId, std::vector<ValueId>> gradients;
  for (const auto& [gradient, name] : names) gradients[gradient].push_back(gradient);
  for (std::int64_t i = 1; i < micro_batches; ++i) {
    std::vector<ValueId> own(values);
    for (std::size_t id = 0; id < values; ++id) {
      own[id] = static_cast<ValueId>(id);
      if (!depends[id]) continue;
      Value value = graph.values[id];
      value.name = micro_batch_name(value.name, i, micro_batches);
      const Origin origin = value.origin;
      own[id] = add_value(graph, std::move(value), origin);
    }
    const auto replace = [&](ValueId id) { return own[static_cast<std::size_t>(id)]; };
    for (std::size_t op = 0; op < ops; ++op) {
      if (!depends[static_cast<std::size_t>(results_of(graph.ops[op]).front())]) continue;
      Op copy = graph.ops[op];
      replace_operands(copy, replace);
      replace_results(copy, replace);
      graph.ops.push_back(std::move(copy));
    }
    for (auto& [gradient, all] : gradients) all.push_back(replace(gradient));
  }
  for (std::size_t id = 0; id < values; ++id) {
    Value& value = graph.values[id];
    if (depends[id]) value.name = micro_batch_name(value.name, 0, micro_batches);
  }
  std::vector<ValueId> shares;
  for (std::int64_t i = 0; i < micro_batches; ++i)
    shares.push_back(add_value(
        graph, {micro_batch_name(kShare, i, micro_batches), {1}, DType::F32, Role::kConstants}));
  for (auto& [parameter, gradient] : program.gradients)
    gradient = add_weighted_sum(graph, names.at(gradient), gradients.at(gradient), shares);
}

}  // namespace corank
