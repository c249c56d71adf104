// A machine's silicon by its closed form without a list or a name, for as many machines as a sweep
// has. The figures are those of composed_cost() (host/cost/cost.h) and machine_silicon().
#pragma once

#include <array>
#include <vector>

#include "host/cost/cost.h"
#include "models/cost/sram.h"
#include "models/energy/energy.h"
#include "sim/machine/shape.h"

namespace corank {

struct SiliconFigures {
  double area_mm2 = 0;  // with memories
  double fmax_mhz = 0;
  double logic_mm2 = 0, flops = 0, memory_kib = 0;
};

class SiliconForm {
 public:
  /// At one of the nodes of models/cost/nodes.h.
  explicit SiliconForm(int node_nm);

  int node_nm() const { return node_nm_; }
  SiliconFigures of(const MachineShape& shape) const;
  /// What a byte that is read from, or written to, a local memory takes of its own macros, relative
  /// to one of `kib` that is accessed `bits` at a time (macro_ratio()).
  double access_ratio(const MachineShape& shape, bool accumulators, bool writes, double kib,
                      double bits) const;

 private:
  enum class Memory { kOther, kScratchpad, kAccumulators };
  struct Ram {
    CostMonomial count, words, width;
    Memory memory = Memory::kOther;
  };
  struct Macro {
    double count = 0, bytes = 0, width = 0;
  };
  // Of machines with or without a decoder.
  struct Form {
    MachineFit fit;
    std::vector<Ram> rams;
  };
  const Form& form_of(const MachineShape& shape) const {
    return forms_[shape.decoder != 0 ? 1 : 0];
  }
  static Macro macro_of(const Ram& ram, const MachineSizes& sizes, const MachineShape& shape);

  int node_nm_;
  double area_ = 1, time_ = 1, ram_area_ = 1;  // at the node, relative to where they are known
  std::array<Form, 2> forms_;
  const SramEnergy *read_, *write_;
};

}  // namespace corank
