#include "host/report/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace corank {

std::string with_unit(double value, const char* unit) {
  constexpr std::array<const char*, 10> kPrefixes = {"p", "n", "u", "m", "",
                                                     "k", "M", "G", "T", "P"};
  std::size_t i = 4;
  for (; std::abs(value) >= 1000 && i + 1 < kPrefixes.size(); ++i) value /= 1000;
  for (; value != 0 && std::abs(value) < 1 && i > 0; --i) value *= 1000;
  const std::string prefixed = std::string(kPrefixes[i]) + unit;
  return fmt::format("{:.4g}{}{}", value, prefixed.empty() ? "" : " ", prefixed);
}

}  // namespace corank
