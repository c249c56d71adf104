// The keys of config.json: LlamaConfig, BertConfig and PreTrainedConfig of transformers 5, and what
// else stands in published files of these models.
#pragma once

#include "host/huggingface/known_keys.h"

namespace corank {

const KnownKeys& llama_keys();
const KnownKeys& bert_keys();
/// The keys of rope_parameters (rope_scaling in old files).
const KnownKeys& rope_keys();

}  // namespace corank
