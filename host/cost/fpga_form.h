// What a machine takes of an FPGA in closed form, in microseconds: for as many machines as a sweep
// has. Fitted to machines that were mapped (scripts/cost-fit --fpga), configs/cost/xilinx7.json.
//
// Function: LUTs, flip-flops and multipliers of each part's own logic are sums of products of the
//   machine's sizes. RAMs are of as many shapes as the machine has memories, and each is made of
//   the primitives that the mapping would choose: of those that hold it, the ones that cost least
//   together.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "host/cost/fpga_cost.h"
#include "models/cost/machine_cost.h"

namespace corank {

/// A part's own logic, without its RAMs, at all places that differ by numbers alone.
struct FpgaLogic {
  std::string path;
  std::array<CostFormula, kFpgaKinds.size()> amounts;
  bool of_decoder = false;  // is_of_decoder()
};

/// RAMs of one shape at such places.
struct FpgaRams {
  RamPart part;
  bool of_decoder = false;
  bool local = false;  // of a local memory, whose words have a parity bit where there is parity
};

/// What RAMs are made of.
struct FpgaRamPrimitive {
  std::int64_t words = 0, width = 0;
  double cost = 0;       // the mapping's, to choose by
  std::int64_t lut = 0;  // of a RAM in LUTs; 0: a block RAM
  std::int64_t bram = 0;
};

/// A machine that was mapped, and what the closed form says of it.
struct FpgaFitPoint {
  MachineSizes sizes{};
  bool decoder = true;
  FpgaCounts counts{};
  std::array<double, kFpgaKinds.size()> errors{};  // closed form / mapping - 1
};

struct FpgaFit {
  std::string target, tools, made_by;
  std::string rtl;  // key of the RTL that was mapped (key_of_rtl)
  std::vector<FpgaFitPoint> fitted, held_out;
  std::vector<FpgaLogic> parts;
  std::vector<FpgaRams> rams;
  std::vector<FpgaRamPrimitive> primitives;
};

/// From the text of a file like configs/cost/xilinx7.json.
FpgaFit parse_fpga_fit(const std::string& text);
/// Those that are part of the program.
const std::vector<FpgaFit>& fpga_fits();

/// What one RAM takes. Throws MachineError if there is no primitive.
FpgaCounts ram_counts(const std::vector<FpgaRamPrimitive>& primitives, std::int64_t words,
                      std::int64_t width);

/// By the closed form. Parity adds its bit to the memories' words, and no logic, which was not
/// fitted.
FpgaCounts fpga_counts(const FpgaFit& fit, const MachineShape& shape);

/// The largest share of any kind that a part has: 1 is full.
double share_of(const FpgaPart& part, const FpgaCounts& counts);

/// Where the figures come from, how far they are off, and what the part's sizes rest on.
std::string source_of(const FpgaFit& fit, const FpgaFamily& family);

}  // namespace corank
