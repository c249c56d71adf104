#include "models/transformer/rope.h"

#include <cmath>

#include "models/base/error.h"
#include "models/base/text.h"

namespace corank {
namespace {

void require_positive(const char* what, double found) {
  if (found > 0 && std::isfinite(found)) return;
  throw InputError(std::string("RoPE: expected a positive ") + what + ", found " +
                   short_number(found));
}

/// Long wavelengths are stretched by factor, short ones kept, and those between interpolated
/// (Grattafiori et al., 2024, arXiv 2407.21783; transformers, modeling_rope_utils).
double llama3_frequency(const RopeParameters& p, double frequency) {
  const double wavelength = 2 * 3.14159265358979323846 / frequency;
  const double context = p.original_max_position_embeddings;
  if (wavelength > context / p.low_freq_factor) return frequency / p.factor;
  if (wavelength < context / p.high_freq_factor) return frequency;
  const double smooth =
      (context / wavelength - p.low_freq_factor) / (p.high_freq_factor - p.low_freq_factor);
  return (1 - smooth) * frequency / p.factor + smooth * frequency;
}

}  // namespace

std::vector<float> rope_frequencies(const RopeParameters& parameters, std::int64_t head_dim) {
  const RopeParameters& p = parameters;
  if (p.type != "default" && p.type != "linear" && p.type != "llama3") {
    throw InputError("RoPE: expected the type default, linear or llama3, found " + p.type);
  }
  if (head_dim < 2 || head_dim % 2 != 0) {
    throw InputError("RoPE: expected an even head_dim, found " + std::to_string(head_dim));
  }
  require_positive("theta", p.theta);
  if (p.type != "default") require_positive("factor", p.factor);
  if (p.type == "llama3") {
    require_positive("low_freq_factor", p.low_freq_factor);
    require_positive("difference of high_freq_factor and low_freq_factor",
                     p.high_freq_factor - p.low_freq_factor);
    require_positive("original_max_position_embeddings", p.original_max_position_embeddings);
  }
  std::vector<float> frequencies;
  for (std::int64_t j = 0; j < head_dim / 2; ++j) {
    const double exponent = static_cast<double>(2 * j) / static_cast<double>(head_dim);
    // Hugging Face starts from the FP32 number, too.
    const auto frequency = static_cast<float>(1.0 / std::pow(p.theta, exponent));
    if (p.type == "default") {
      frequencies.push_back(frequency);
    } else if (p.type == "linear") {
      frequencies.push_back(static_cast<float>(frequency / p.factor));
    } else {
      frequencies.push_back(static_cast<float>(llama3_frequency(p, frequency)));
    }
  }
  return frequencies;
}

}  // namespace corank
