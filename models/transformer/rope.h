// The frequencies of rotary position embeddings (Su et al., 2021, arXiv 2104.09864).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace corank {

struct RopeParameters {
  std::string type = "default";  // "default", "linear", "llama3"
  double theta = 10000.0;
  double factor = 1.0;                             // linear, llama3
  double low_freq_factor = 1.0;                    // llama3
  double high_freq_factor = 4.0;                   // llama3
  double original_max_position_embeddings = 8192;  // llama3
};

/// head_dim / 2 frequencies in radians per position, rounded to FP32 as Hugging Face keeps them:
/// theta^(-2j / head_dim); "linear" divides them by factor; "llama3" divides the low ones by
/// factor, leaves the high ones, and interpolates between. Throws InputError for another type, an
/// odd head_dim, or parameters that are not positive.
std::vector<float> rope_frequencies(const RopeParameters& parameters, std::int64_t head_dim);

}  // namespace corank
