// What the vector unit's arithmetic instructions compute, on the host's float unit.
#pragma once

#include <cmath>

namespace corank {

/// A function an instruction, of its name in rtl/interface/interface.yaml. To be called within a
/// FloatEnvironment; whoever calls replaces a NaN by the canonical one.
struct VectorArithmetic {
  static float add(float a, float b) { return a + b; }
  static float subtract(float a, float b) { return a - b; }
  static float multiply(float a, float b) { return a * b; }
  static float divide(float a, float b) { return a / b; }
  static float square_root(float a, float) { return std::sqrt(a); }
};

}  // namespace corank
