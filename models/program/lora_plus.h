// Which learning rate of LoRA+ a trained value has.
#pragma once

#include "models/program/optimizer.h"
#include "models/transformer/transformer.h"

namespace corank {

/// The group of a trainable value of a transformer with LoRA, as PEFT's create_loraplus_optimizer
/// tells them apart: both factors of an embedding; B and every vector, of which biases and what a
/// LayerNorm has do not decay; all others.
ParameterGroup lora_plus_group(const Transformer& transformer, ValueId trained);

}  // namespace corank
