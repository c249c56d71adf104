// rank_pattern and alpha_pattern: ranks and alphas of single modules
// (peft.utils.other.get_pattern_key).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/huggingface/adapter_config.h"
#include "host/huggingface/regular_expression.h"

namespace corank {

/// In the order of the file.
template <class Number>
using Patterns = std::vector<std::pair<std::string, Number>>;

inline void read_patterns(const JsonObject& config, Patterns<std::int64_t>& ranks,
                          Patterns<double>& alphas) {
  if (config.has("rank_pattern")) {
    const JsonObject object = config.object("rank_pattern");
    for (const auto& [key, value] : object.json().items()) {
      static_cast<void>(value);
      ranks.emplace_back(key, object.integer(key, 1, 1 << 20));
    }
  }
  if (config.has("alpha_pattern")) {
    const JsonObject object = config.object("alpha_pattern");
    for (const auto& [key, value] : object.json().items()) {
      static_cast<void>(value);
      alphas.emplace_back(key, object.number(key));
    }
  }
}

/// Ranks or alphas of single modules: the first expression that matches the end of a name decides.
template <class Number>
class OfModules {
 public:
  OfModules(const AdapterConfig& config, const std::string& key, const Patterns<Number>& patterns,
            Number preset)
      : preset_(preset) {
    for (const auto& [pattern, value] : patterns)
      values_.emplace_back(
          RegularExpression("(.*\\.)?(" + pattern + ")$", config.file + ": '" + key + "'"), value);
  }
  Number of(const std::string& module) const {
    for (const auto& [pattern, value] : values_)
      if (pattern.match(module)) return value;
    return preset_;
  }

 private:
  std::vector<std::pair<RegularExpression, Number>> values_;
  Number preset_;
};

}  // namespace corank
