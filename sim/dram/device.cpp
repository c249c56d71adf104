#include "sim/dram/device.h"

#include <initializer_list>

namespace corank {
namespace {

struct Relation {
  const char* key;
  int value;
  const char* bound;
  int least;
};

}  // namespace

std::optional<DramContradiction> find_contradiction(const DramDevice& device) {
  const DramTiming& t = device.timing;
  const DramOrganisation& o = device.organisation;
  const std::initializer_list<Relation> relations = {
      {"organisation.row_bytes", o.row_bytes, "access_bytes", o.access_bytes},
      {"timing.tRAS", t.tRAS, "tRCD_RD + tRTP", t.tRCD_RD + t.tRTP},
      {"timing.tRC", t.tRC, "tRAS + tRP", t.tRAS + t.tRP},
      {"timing.tRP_AB", t.tRP_AB, "tRP", t.tRP},
      {"timing.tRRD_L", t.tRRD_L, "tRRD_S", t.tRRD_S},
      {"timing.tFAW", t.tFAW, "tRRD_S", t.tRRD_S},
      {"timing.tCCD_S", t.tCCD_S, "burst", t.burst},
      {"timing.tCCD_L", t.tCCD_L, "tCCD_S", t.tCCD_S},
      {"timing.tWTR_L", t.tWTR_L, "tWTR_S", t.tWTR_S},
      // Else read and write data would meet on the bus.
      {"timing.tRTW", t.tRTW, "CL + burst - CWL", t.CL + t.burst - t.CWL},
      {"timing.tRRD_S", t.tRRD_S, "activate_slots", t.activate_slots},
      // A refresh needs its time, and the rows must be closed and opened again around it.
      {"timing.tREFI", t.tREFI, "tRFC + tRC + tRP_AB", t.tRFC + t.tRC + t.tRP_AB},
  };
  for (const Relation& relation : relations) {
    if (relation.value >= relation.least) continue;
    return DramContradiction{relation.key, "expected at least " + std::string(relation.bound) +
                                               " = " + std::to_string(relation.least) + ", found " +
                                               std::to_string(relation.value)};
  }
  const DramCurrents& i = device.currents;
  if (i.VDD > 0) {
    const struct {
      const char* key;
      double value;
      const char* bound;
      double least;
    } currents[] = {{"currents.IDD3N", i.IDD3N, "IDD2N", i.IDD2N},
                    {"currents.IDD0", i.IDD0, "IDD3N", i.IDD3N},
                    {"currents.IDD4R", i.IDD4R, "IDD3N", i.IDD3N},
                    {"currents.IDD4W", i.IDD4W, "IDD3N", i.IDD3N},
                    {"currents.IDD5B", i.IDD5B, "IDD3N", i.IDD3N}};
    for (const auto& current : currents) {
      if (current.value >= current.least) continue;
      return DramContradiction{current.key,
                               "expected at least " + std::string(current.bound) + ", found less"};
    }
  }
  const DramAccessEnergy& access = device.access;
  if (access.pj_per_bit > 0 && i.VDD > 0)
    return DramContradiction{"access",
                             "expected no figure where the currents are given, found one"};
  if (access.pj_per_bit > 0 && device.io_pj_per_bit > 0)
    return DramContradiction{
        "io_pj_per_bit", "expected none beside access, which includes the interface, found one"};
  return std::nullopt;
}

}  // namespace corank
