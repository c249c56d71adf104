// The energy of a DRAM, from what it did and the currents of its data sheet.
#pragma once

#include <cstdint>

#include "sim/dram/device.h"
#include "sim/dram/statistics.h"

namespace corank {

/// Picojoules. Core energy: what flows into the chips' supply, without the interface, which has a
/// figure of its own where one is known. Where the currents are not, `access` may be, instead of
/// all others.
struct DramEnergy {
  bool known = false;  // of the device, in either way
  bool core_known = false, access_known = false;
  bool io_known = false;
  double activate = 0;
  double precharge = 0;
  double read = 0;
  double write = 0;
  double refresh = 0;
  double background = 0;
  double io = 0;
  double access = 0;

  /// What flows into the chips' own supply.
  double core() const { return activate + precharge + read + write + refresh + background; }
  double total() const { return core() + io + access; }
};

/// Each action's current above the background that flows anyway, as JEDEC defines the IDD loops
/// (JESD79-4) and as Micron's TN-46-03 and DRAMPower (Chandrasekar et al., "Improved power modeling
/// of DDR SDRAMs", DSD 2011) use them:
///   activate    VDD (IDD0 - IDD3N) tRAS             precharge  VDD (IDD0 - IDD2N) (tRC - tRAS)
///   read/write  VDD (IDD4R/IDD4W - IDD3N) burst     refresh    VDD (IDD5B - IDD3N) tRFC
///   background  VDD IDD3N while a row is open or a refresh under way, else VDD IDD2N
/// times the chips. Of several channels, the statistics are sums.
DramEnergy dram_energy(const DramDevice& device, const DramStatistics& statistics);

/// What modules really draw where their data sheets say this: the means over 50 DDR3L modules of
/// three vendors that S. Ghose et al. measured ("What Your DRAM Power Models Are Not Telling You",
/// POMACS 2(3), 2018; from a secondary citation). That other standards are alike is assumed.
DramCurrents as_measured(const DramCurrents& data_sheet);

}  // namespace corank
