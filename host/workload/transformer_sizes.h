// A whole model given by its sizes alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace corank {

/// A transformer with LoRA adapters, and what a micro-batch of it is.
struct TransformerSizes {
  std::string config;  // path of a config.json as Hugging Face has it; "": there is no such model
  std::int64_t batch = 1, sequence = 0;
  int rank = 0;
  double alpha = 0;                  // 0: twice the rank
  double dropout = 0;                // of the adapters
  std::vector<std::string> modules;  // that have one, by their last names; empty: all linears of
                                     // the layers
};

}  // namespace corank
