// Figures as people read them.
#pragma once

#include <string>

namespace corank {

/// Four digits with a prefix: "6.612 ms", "11.4 J", "99.7 GB"; from pico to peta.
std::string with_unit(double value, const char* unit);

}  // namespace corank
