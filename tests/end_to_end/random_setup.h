// Random set-ups of a run, each as the settings that `corank run --set` takes: accelerator, memory,
// link and layers.
#pragma once

#include <string>
#include <vector>

#include "host/verify/draw.h"

namespace corank::test {

/// "accelerator={array: {rows: 3, ...}, ...}". Small arrays are far more frequent than large ones,
/// which take long to build and to simulate. It may be one that the configuration refuses.
std::string draw_accelerator(draw::Random& random);

/// An accelerator, or `accelerator` where one is given, with limits, clock, a memory of either
/// kind, a link and layers of its own, without values. It may be one that the configuration or the
/// compiler refuses.
std::vector<std::string> draw_setup(draw::Random& random, const std::string& accelerator = "");

}  // namespace corank::test
