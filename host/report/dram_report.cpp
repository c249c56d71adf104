#include "host/report/dram_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace corank {
namespace {

using Json = nlohmann::ordered_json;

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

struct Cause {
  const char* key;   // in the report
  const char* text;  // for a terminal
  DramClock DramStatistics::*clocks;
};

// They add up to all clocks.
constexpr std::array<Cause, 6> kDataBus = {
    {{"data", "data", &DramStatistics::data},
     {"refresh", "refresh", &DramStatistics::refresh},
     {"turnaround", "turnaround", &DramStatistics::turnaround},
     {"row", "opening rows", &DramStatistics::row},
     {"bank_group", "same bank group", &DramStatistics::bank_group},
     {"nothing_asked", "nothing asked for", &DramStatistics::idle}}};

double mean_read_latency_ns(const DramStatistics& s, const DramDevice& device) {
  return s.reads > 0 ? static_cast<double>(s.read_latency) / static_cast<double>(s.reads) *
                           device.timing.tCK_ns
                     : 0;
}

}  // namespace

DramReport dram_report(const DramConfig& config, const DramStatistics& statistics) {
  return {statistics, dram_energy(config.device, statistics)};
}

double share_of_peak(const DramStatistics& s) { return share(s.data, s.clocks); }

double busy_share(const DramStatistics& s) { return share(s.clocks - s.idle, s.clocks); }

double efficiency(const DramStatistics& s) {
  return s.clocks > s.idle ? share(s.data, s.clocks - s.idle) : 1;
}

Json to_json(const DramReport& report, const DramConfig& config) {
  const DramStatistics& s = report.statistics;
  Json json = {{"device", config.device.name},
               {"source", config.device.source},
               {"quality", config.device.quality},
               {"channels", config.channels},
               {"address_map", config.address_map},
               {"page_policy", name_of(config.controller.page_policy)},
               {"data_bus_clocks", Json::object()},
               {"share_of_peak", share_of_peak(s)},
               {"efficiency", efficiency(s)},
               {"reads", s.reads},
               {"writes", s.writes},
               {"activates", s.activates},
               {"precharges", s.precharges},
               {"refreshes", s.refreshes},
               {"forwarded_reads", s.forwarded_reads},
               {"row_hits", s.row_hits},
               {"row_misses", s.row_misses},
               {"row_conflicts", s.row_conflicts},
               {"mean_read_latency_ns", mean_read_latency_ns(s, config.device)},
               {"energy_known", report.energy.known},
               {"interface_energy_known", report.energy.io_known || report.energy.access_known}};
  for (const Cause& cause : kDataBus) json["data_bus_clocks"][cause.key] = s.*cause.clocks;
  return json;
}

std::string data_bus_text(const DramStatistics& s) {
  std::string text;
  for (const Cause& cause : kDataBus)
    text += fmt::format("{}{:.1f} % {}", text.empty() ? "" : ", ",
                        100 * share(s.*cause.clocks, s.clocks), cause.text);
  return text;
}

std::string rows_text(const DramStatistics& s, const DramDevice& device) {
  const std::int64_t accesses = s.row_hits + s.row_misses + s.row_conflicts;
  return fmt::format(
      "{:.1f} % of the accesses found their row open, {:.1f} % another one; mean read {:.0f} ns",
      100 * share(s.row_hits, accesses), 100 * share(s.row_conflicts, accesses),
      mean_read_latency_ns(s, device));
}

}  // namespace corank
