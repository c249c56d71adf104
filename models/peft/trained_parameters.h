// Parameters of the model itself that are trained beside an adapter, whatever its method.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "models/transformer/transformer.h"

namespace corank {

/// Rows of an embedding, or of a linear without a bias (an output head), that are trained in place
/// of the frozen ones.
struct TrainableTokens {
  std::string module;
  std::vector<std::int64_t> tokens;  // rows, each once
};

struct TrainedParameters {
  std::vector<std::string> trainable_biases;  // modules (linear or norm) whose bias is trained
  std::vector<std::string> saved_modules;     // modules (any kind) that are trained in full
  std::vector<TrainableTokens> trainable_tokens;
};

/// Rewrites a transformer in which the modules `adapted` have adapters. The trainable values are
/// named, without PEFT's "base_model.model.":
///   <module>.bias                                                              trainable bias
///   <module>.weight, <module>.bias                                             saved module
///   <module>.token_adapter.trainable_tokens_delta [tokens, hidden]             trained tokens
/// A saved (or token-trained) module of tied embeddings stops being tied as PEFT does it: where
/// embed_tokens is saved, the head reads the frozen lm_head.weight, which the caller gives with the
/// elements of the file's embed_tokens.weight; where lm_head is saved, it is the trainable
/// lm_head.weight. Trained tokens of tied embeddings replace the rows in the head, too, unless rows
/// of the head itself are named.
/// Throws InputError for a module that is not there, is named twice or does not fit.
void train_parameters(Transformer& transformer, const TrainedParameters& parameters,
                      const std::vector<std::string>& adapted);

/// A parameter that is frozen becomes a trained one, F32. Throws InputError for one that is packed.
void make_trainable(Graph& graph, ValueId parameter);

/// Throws InputError if `module`, listed as `what`, is one of `seen`, to which it is added.
void require_once(std::set<std::string>& seen, const std::string& module, const char* what);

}  // namespace corank
