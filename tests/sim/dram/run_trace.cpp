#include "tests/sim/dram/run_trace.h"

#include <cmath>

#include "host/config/config.h"
#include "sim/dram/address_map.h"
#include "sim/dram/channel.h"
#include "sim/dram/timing_checker.h"

namespace corank::test {

DramDevice device(const std::string& name) {
  return load_dram_device(std::string(CORANK_CONFIGS) + "/dram/" + name + ".yaml");
}

std::string map_named(const std::string& name) {
  return name == "bgi" ? "row bank column group" : "row bank group column";
}

TraceRun run_trace(const std::vector<TraceAccess>& trace, const DramDevice& device,
                   const std::string& address_map, const DramControllerConfig& controller) {
  const DramAddressMap map(address_map, device.organisation, 1);
  DramTimingChecker checker(device);
  DramChannel channel(device, controller,
                      [&](const DramCommand& command) { checker.check(command); });
  for (const TraceAccess& access : trace) {
    const DramPlace place = map.place(access.address);
    const auto arrival = static_cast<DramClock>(std::ceil(access.ns / device.timing.tCK_ns));
    channel.push({arrival, access.write, place.bank, place.row, place.column, 0});
  }
  channel.run(DramChannel::kNever);
  TraceRun run;
  run.statistics = channel.statistics(0);
  const DramStatistics& s = run.statistics;
  run.percent_of_peak = 100.0 * static_cast<double>(s.data) / static_cast<double>(s.clocks);
  if (s.reads > 0)
    run.latency_ns =
        static_cast<double>(s.read_latency) / static_cast<double>(s.reads) * device.timing.tCK_ns;
  run.commands = checker.commands();
  run.violations = checker.violations();
  run.first_violation = checker.first();
  return run;
}

}  // namespace corank::test
