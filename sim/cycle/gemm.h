// The values of a gemm command.
#pragma once

#include <vector>

#include "rtl/interface/interface.h"
#include "sim/cycle/local_memory.h"

namespace corank::cycle_model {

/// Each element is one chain over the depth, in ascending order: product and sum are rounded by
/// themselves, as the array does it.
class GemmKernel {
 public:
  /// Every access is within the local memories.
  void run(const interface::GemmCommand& gemm, LocalMemories& local);

 private:
  std::vector<float> stream_;      // [rows, depth]
  std::vector<float> stationary_;  // [depth, columns rounded up to whole vectors]
  std::vector<float> sums_;        // [rows, columns rounded up]
};

}  // namespace corank::cycle_model
