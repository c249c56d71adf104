// A line of the table that scripts/bench prints.
#pragma once

#include <string>

namespace corank::bench {

struct Result {
  enum class Bar { None, AtLeast, AtMost };

  std::string what;
  double value = 0;
  std::string unit;
  Bar bar = Bar::None;
  double limit = 0;
  std::string note;  // how it was measured

  bool met() const {
    switch (bar) {
      case Bar::AtLeast:
        return value >= limit;
      case Bar::AtMost:
        return value <= limit;
      case Bar::None:
        break;
    }
    return true;
  }
};

}  // namespace corank::bench
