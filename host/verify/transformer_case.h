// Random transformers on small machines, each from one seed: a LLaMA or a BERT, an adapter as PEFT
// puts it there, and steps of its training.
#pragma once

#include <cstdint>
#include <string>

#include "host/verify/layer_case.h"
#include "models/program/training_program.h"

namespace corank {

struct TransformerCase : DrawnCase {
  TrainingProgram program;
  std::string model, adapter, training;  // in words, for messages
};

/// Case `number` of a run with `seed`: a model of one to three layers, whose sizes are odd more
/// often than not; an adapter of any method as its configuration chooses modules, with or without
/// dropout, trained biases, tokens and whole modules; AdamW or SGD, gradients clipped or not; one
/// to three steps of as many micro-batches, with padding on either side, holes, and sequences that
/// are masked everywhere. Two in five stream their weights. Half of the memories are DRAM (of those
/// that are not source.memory); one case in four has a special value planted, another one ties; in
/// one of four every computed value is compared, not the results alone. One in three packs some of
/// its frozen weights (draw::Packing). Throws InputError where the machine is too small for any
/// transformer, or the compiler refuses one for another reason.
TransformerCase make_transformer_case(const CaseSource& source, std::uint64_t seed, int number);

/// "transformer 17 (seed 5000032): 3x5, AXI 128, ..., llama of 2 layers, ..."
std::string describe(const TransformerCase& transformer);

}  // namespace corank
