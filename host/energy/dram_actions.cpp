#include "host/energy/dram_actions.h"

#include <algorithm>
#include <array>
#include <string>

#include "sim/dram/energy.h"

namespace corank {
namespace {

struct FigureOrigin {
  std::string source, quality;
};

FigureOrigin of_currents(const DramDevice& device) { return {device.source, "modelled"}; }
FigureOrigin of_interface(const DramDevice& device) { return {device.io_source, "derived"}; }
FigureOrigin of_access(const DramDevice& device) {
  return {device.access.source, device.access.quality};
}

/// The device as its other sources have it.
std::array<DramDevice, 3> as_sources_differ(const DramDevice& device) {
  std::array<DramDevice, 3> others = {device, device, device};
  others[0].currents = as_measured(device.currents);
  others[1].access.pj_per_bit = device.access.low_pj;
  others[2].access.pj_per_bit = device.access.high_pj;
  return others;
}

struct DramAction {
  const char* name;
  const char* unit;
  EnergyPart part;
  double (*count)(const DramStatistics& statistics, const DramDevice& device);
  double DramEnergy::*total_pj;
  bool DramEnergy::*known;  // whether the device's figure is
  FigureOrigin (*origin)(const DramDevice& device);
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
constexpr DramAction core(const char* name, const char* unit, double DramEnergy::*total_pj,
                          EnergyPart part = EnergyPart::kDynamic) {
  return {name, unit, part, counted<counter>, total_pj, &DramEnergy::core_known, of_currents};
}

const std::array<DramAction, 8> kActions = {
    {core<&DramStatistics::activates>("dram_activate", "command", &DramEnergy::activate),
     core<&DramStatistics::precharges>("dram_precharge", "bank", &DramEnergy::precharge),
     core<&DramStatistics::reads>("dram_read", "command", &DramEnergy::read),
     core<&DramStatistics::writes>("dram_write", "command", &DramEnergy::write),
     core<&DramStatistics::refreshes>("dram_refresh", "command", &DramEnergy::refresh,
                                      EnergyPart::kStandby),
     core<&DramStatistics::clocks>("dram_background", "clock", &DramEnergy::background,
                                   EnergyPart::kStandby),
     {"dram_interface_bit", "bit", EnergyPart::kDynamic, interface_bits, &DramEnergy::io,
      &DramEnergy::io_known, of_interface},
     {"dram_access_bit", "bit", EnergyPart::kDynamic, interface_bits, &DramEnergy::access,
      &DramEnergy::access_known, of_access}}};

}  // namespace

std::vector<EnergyLine> dram_energy_lines(const DramStatistics& statistics,
                                          const DramDevice& device) {
  const DramEnergy energy = dram_energy(device, statistics);
  std::vector<EnergyLine> lines;
  if (!energy.known) return lines;
  for (const DramAction& action : kActions) {
    if (!(energy.*action.known)) continue;
    const double count = action.count(statistics, device);
    const auto each = [&](double total_pj) { return count > 0 ? total_pj / count : 0; };
    const FigureOrigin origin = action.origin(device);
    EnergyEntry entry;
    entry.action = action.name;
    entry.pj = entry.low_pj = entry.high_pj = each(energy.*action.total_pj);
    for (const DramDevice& other : as_sources_differ(device)) {
      const double pj = each(dram_energy(other, statistics).*action.total_pj);
      entry.low_pj = std::min(entry.low_pj, pj);
      entry.high_pj = std::max(entry.high_pj, pj);
    }
    entry.unit = action.unit;
    entry.source = origin.source;
    entry.quality = origin.quality;
    lines.push_back({entry, action.part, count});
  }
  return lines;
}

}  // namespace corank
