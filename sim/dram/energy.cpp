#include "sim/dram/energy.h"

namespace corank {

DramEnergy dram_energy(const DramDevice& device, const DramStatistics& statistics) {
  const DramTiming& t = device.timing;
  const DramCurrents& i = device.currents;
  // V x mA x ns = pJ.
  const double clock = i.VDD * t.tCK_ns * device.organisation.chips;
  const auto energy = [&](std::int64_t count, double current, DramClock clocks) {
    return static_cast<double>(count) * static_cast<double>(clocks) * current * clock;
  };
  const double bits = 8.0 * device.organisation.access_bytes *
                      static_cast<double>(statistics.reads + statistics.writes);
  DramEnergy e;
  e.core_known = i.VDD > 0;
  e.access_known = device.access.pj_per_bit > 0;
  e.known = e.core_known || e.access_known;
  e.activate = energy(statistics.activates, i.IDD0 - i.IDD3N, t.tRAS);
  e.precharge = energy(statistics.precharges, i.IDD0 - i.IDD2N, t.tRC - t.tRAS);
  e.read = energy(statistics.reads, i.IDD4R - i.IDD3N, t.burst);
  e.write = energy(statistics.writes, i.IDD4W - i.IDD3N, t.burst);
  e.refresh = energy(statistics.refreshes, i.IDD5B - i.IDD3N, t.tRFC);
  e.background = energy(1, i.IDD3N, statistics.active) +
                 energy(1, i.IDD2N, statistics.clocks - statistics.active);
  e.io_known = device.io_pj_per_bit > 0;
  e.io = device.io_pj_per_bit * bits;
  e.access = device.access.pj_per_bit * bits;
  return e;
}

DramCurrents as_measured(const DramCurrents& data_sheet) {
  DramCurrents drawn = data_sheet;
  drawn.IDD0 *= 0.427;
  drawn.IDD2N *= 0.566;
  drawn.IDD3N *= 0.367;
  drawn.IDD4R *= 0.736;
  drawn.IDD4W *= 0.542;
  drawn.IDD5B *= 0.829;
  return drawn;
}

}  // namespace corank
