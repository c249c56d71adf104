#include "models/program/transformer_program.h"

#include "models/graph/differentiate.h"
#include "models/graph/fused_copies.h"
#include "models/program/lora_plus.h"

namespace corank {

TransformerProgram transformer_program(const Transformer& transformer,
                                       const OptimizerSettings& optimizer,
                                       RecomputePolicy recompute) {
  TransformerProgram built;
  TrainingProgram& program = built.program;
  program.graph = transformer.graph;
  program.optimizer = optimizer;
  const std::size_t forward_ops = program.graph.ops.size();
  DifferentiateRequest request;
  request.loss = transformer.loss;
  request.recompute = recompute;
  for (const auto& [value, gradient] : differentiate(program.graph, request)) {
    if (program.graph.value(value).role == Role::kTrainable) program.gradients[value] = gradient;
  }
  built.account = account_of(program.graph, forward_ops, optimizer.moments());
  fuse_copies(program.graph);
  repeat_micro_batches(program, optimizer.accumulate);
  std::vector<Trained> trained;
  for (const auto& [parameter, gradient] : program.gradients)
    trained.push_back({parameter, gradient, 1, lora_plus_group(transformer, parameter)});
  if (!trained.empty()) {
    add_gradient_norm(program, trained);
    program.graph.value(program.gradient_norm).role = Role::kResult;
    built.asked.each_step.insert(kGradientNorm);
  }
  add_updates(program, trained);
  check(program.graph);
  for (std::int64_t i = 0; i < optimizer.accumulate; ++i)
    built.asked.each_step.insert(micro_batch_name("loss", i, optimizer.accumulate));
  built.asked.first_step = built.asked.each_step;
  for (const auto& [parameter, gradient] : program.gradients)
    built.asked.first_step.insert(program.graph.value(gradient).name);
  built.asked.first_step.insert(micro_batch_name("logits", 0, optimizer.accumulate));
  built.account.peak_bytes =
      peak_bytes_of(program.graph, passing_values(program, built.asked.first_step));
  if (recompute != RecomputePolicy::kNone)
    built.without_recompute = transformer_program(transformer, optimizer).account;
  return built;
}

TransformerProgram forward_program(const Transformer& transformer, bool logits) {
  TransformerProgram built;
  Graph& graph = built.program.graph;
  graph = transformer.graph;
  fuse_copies(graph);
  check(graph);
  built.account = account_of(graph, graph.ops.size(), 0);
  built.account.gradient_bytes = 0;
  built.asked.first_step = {"loss", "logits"};
  built.asked.each_step = {"loss"};
  if (logits) built.asked.each_step.insert("logits");
  built.account.peak_bytes =
      peak_bytes_of(graph, passing_values(built.program, built.asked.first_step));
  return built;
}

}  // namespace corank
