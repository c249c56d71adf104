#include "host/energy/dram_actions.h"

#include <array>
#include <string>

#include "sim/dram/energy.h"

namespace corank {
namespace {

struct DramAction {
  const char* name;
  const char* unit;
  double (*count)(const DramStatistics& statistics, const DramDevice& device);
  double DramEnergy::*total_pj;
  bool DramEnergy::*known;  // whether the device's figure is
  const char* quality;
  std::string DramDevice::*source;
};

template <std::int64_t DramStatistics::*counter>
double counted(const DramStatistics& s, const DramDevice&) {
  return static_cast<double>(s.*counter);
}

double interface_bits(const DramStatistics& s, const DramDevice& device) {
  return 8.0 * device.organisation.access_bytes * static_cast<double>(s.reads + s.writes);
}

/// An action of the chips' core.
template <std::int64_t DramStatistics::*counter>
constexpr DramAction core(const char* name, const char* unit, double DramEnergy::*total_pj) {
  return {
      name, unit, counted<counter>, total_pj, &DramEnergy::known, "modelled", &DramDevice::source};
}

const std::array<DramAction, 7> kActions = {
    {core<&DramStatistics::activates>("dram_activate", "command", &DramEnergy::activate),
     core<&DramStatistics::precharges>("dram_precharge", "bank", &DramEnergy::precharge),
     core<&DramStatistics::reads>("dram_read", "command", &DramEnergy::read),
     core<&DramStatistics::writes>("dram_write", "command", &DramEnergy::write),
     core<&DramStatistics::refreshes>("dram_refresh", "command", &DramEnergy::refresh),
     core<&DramStatistics::clocks>("dram_background", "clock", &DramEnergy::background),
     {"dram_interface_bit", "bit", interface_bits, &DramEnergy::io, &DramEnergy::io_known,
      "derived", &DramDevice::io_source}}};

}  // namespace

std::vector<EnergyLine> dram_energy_lines(const DramStatistics& statistics,
                                          const DramDevice& device) {
  const DramEnergy energy = dram_energy(device, statistics);
  std::vector<EnergyLine> lines;
  if (!energy.known) return lines;
  for (const DramAction& action : kActions) {
    if (!(energy.*action.known)) continue;
    const double count = action.count(statistics, device), total_pj = energy.*action.total_pj;
    const double pj = count > 0 ? total_pj / count : 0;
    lines.push_back(
        {{action.name, pj, action.unit, device.*action.source, action.quality}, count, total_pj});
  }
  return lines;
}

}  // namespace corank
