// A transformer as a forward graph, with the names of its modules as Hugging Face gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "models/graph/graph_rewriter.h"

namespace corank {

enum class ModuleKind { kLinear, kEmbedding, kNorm };

/// A module that owns parameters: "model.layers.0.self_attn.q_proj" with the values `name`.weight
/// and, where there is one, `name`.bias.
struct Module {
  std::string name;
  ModuleKind kind = ModuleKind::kLinear;
  ValueId in = -1;  // what it reads: activations or, an embedding, ids; -1: a table of positions
  ValueId weight = -1;  // linear [out, in], embedding [rows, hidden], norm [hidden]
  std::optional<ValueId> bias;
  ValueId out = -1;  // what the module computes, [tokens, out]

  Span span() const { return {in, out}; }
};

/// The forward graph of a loss. Given values, all I64:
///   input_ids       [batch, sequence]
///   attention_mask  [batch, sequence]   0: padding, never attended to
///   token_type_ids  [batch, sequence]   BERT only
///   labels          [batch, sequence], -100: no target (causal language model);
///                   [batch] (classification)
///   last_tokens     [batch]             LLaMA classification only: the row (b * sequence + t) that
///                                       is read of each sequence, the last one that is no padding
///   dropout_step    [1]                 only where an adapter has a dropout: number of the step
/// and the parameters by their full names in Hugging Face's files, with the prefix of the model
/// ("model.layers.0...", "bert.encoder.layer.0..."), frozen. A tied lm_head has no parameter: the
/// graph reads model.embed_tokens.weight twice.
/// Results: logits [batch * sequence, vocabulary] or [batch, labels], loss [1].
struct Transformer {
  Graph graph;
  std::vector<Module> modules;  // in the order of the forward pass
  std::int64_t batch = 0, sequence = 0;
  std::optional<std::int64_t> pad_token_id;  // its embedding row gets no gradient
  ValueId logits = -1;
  ValueId loss = -1;
};

/// The module with this name, or nullptr.
const Module* find_module(const Transformer& transformer, const std::string& name);
/// The same; throws InputError if the model has no such module.
const Module& required_module(const Transformer& transformer, const std::string& name);

}  // namespace corank
