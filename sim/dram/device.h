// A DRAM device as its data sheet describes it: plain structs, filled from YAML. "Device" is what
// one channel's data bus is made of: all its chips together, one rank.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace corank {

/// Clocks of a channel's command clock (tCK).
using DramClock = std::int64_t;

struct DramOrganisation {
  int bank_groups = 4;
  int banks = 4;          // of a group
  int row_bytes = 8192;   // of an open row, over the whole data bus; a power of two
  int rows = 65536;       // of a bank; a power of two
  int access_bytes = 64;  // of one read or write command: bus width x burst length; a power of two
  int chips = 8;          // that share the data bus; currents are those of one

  int all_banks() const { return bank_groups * banks; }
  int columns() const { return row_bytes / access_bytes; }  // accesses in a row
  std::int64_t bytes() const { return std::int64_t{row_bytes} * rows * all_banks(); }
};

/// JEDEC's names (JESD79-4 for DDR4); clocks unless said otherwise. _S: other bank group, _L: the
/// same; a device without bank groups has both alike.
struct DramTiming {
  double tCK_ns = 0.833;
  int CL = 17;       // read command to its first data, tDQSCK included
  int CWL = 12;      // write command to its first data
  int burst = 4;     // data of one command on the bus: BL/2 with double data rate
  int tRCD_RD = 17;  // activate to read
  int tRCD_WR = 17;  // activate to write
  int tRP = 17;      // precharge of one bank
  int tRP_AB = 17;   // precharge of all banks
  int tRAS = 39;     // activate to precharge
  int tRC = 56;      // activate to activate of one bank
  int tRRD_S = 4, tRRD_L = 6;
  int tFAW = 26;  // that holds at most four activates
  int tCCD_S = 4, tCCD_L = 6;
  int tRTP = 9;  // read to precharge
  int tWR = 18;  // end of write data to precharge
  int tWTR_S = 3, tWTR_L = 9;
  int tRTW = 11;           // read to write command
  int tRFC = 420;          // refresh of all banks
  int tREFI = 9363;        // from refresh to refresh
  int activate_slots = 1;  // clocks of the command bus that an activate takes
};

/// mA of one chip. The IDD set of the data sheet; the formulas that use it: energy.h.
struct DramCurrents {
  double VDD = 0;  // V; 0: the device's currents are not known
  double IDD0 = 0, IDD2N = 0, IDD3N = 0, IDD4R = 0, IDD4W = 0, IDD5B = 0;
};

/// Of a device whose currents are not known: all that a bit takes that is read or written, rows,
/// refresh, background, interface and the host's side included.
struct DramAccessEnergy {
  double pj_per_bit = 0;           // 0: not known
  double low_pj = 0, high_pj = 0;  // of its sources
  std::string source, quality;
};

struct DramDevice {
  std::string name;
  std::string source;   // where the figures come from
  std::string quality;  // how far they can be trusted
  DramOrganisation organisation;
  DramTiming timing;
  bool separate_buses = false;  // row and column commands at the same clock, as in HBM
  DramCurrents currents;
  double io_pj_per_bit = 0;  // of the interface; 0: not known
  std::string io_source;     // where that comes from
  DramAccessEnergy access;

  double peak_gb_per_s() const {
    return organisation.access_bytes / (timing.burst * timing.tCK_ns);
  }
};

/// What a device's figures say against each other.
struct DramContradiction {
  std::string key;      // as in YAML, like "timing.tRC"
  std::string message;  // "expected ..., found ..."
};
std::optional<DramContradiction> find_contradiction(const DramDevice& device);

}  // namespace corank
