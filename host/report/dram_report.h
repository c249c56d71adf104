// What the DRAM did during the step: how much of its peak was reached, what kept it from the rest,
// and what it cost.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sim/dram/configuration.h"
#include "sim/dram/energy.h"
#include "sim/dram/statistics.h"

namespace corank {

/// All channels together, from the first doorbell to the end of the step as the host sees it.
struct DramReport {
  DramStatistics statistics;
  DramEnergy energy;
};

DramReport dram_report(const DramConfig& config, const DramStatistics& statistics);

/// Of the clocks of all data buses: those with data.
double share_of_peak(const DramStatistics& statistics);
/// Those with data or with a reason, other than that nothing was asked for, to be without.
double busy_share(const DramStatistics& statistics);
/// The share of the peak that it gave while it was asked for something; 1 if it never was.
double efficiency(const DramStatistics& statistics);

nlohmann::ordered_json to_json(const DramReport& report, const DramConfig& config);
/// "88.1 % data, 5.0 % refresh, ...": the data bus's clocks.
std::string data_bus_text(const DramStatistics& statistics);
/// Two lines' worth of text for a terminal.
std::string rows_text(const DramStatistics& statistics, const DramDevice& device);

}  // namespace corank
