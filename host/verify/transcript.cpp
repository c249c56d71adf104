#include "host/verify/transcript.h"

#include <fmt/format.h>

#include <algorithm>

namespace corank {
namespace {

// Doubles in full: equal texts are equal numbers.
template <class Number>
void tell_figure(const EventSink& tell, const std::string& name, Number value) {
  tell(EventKind::kFigure, fmt::format("{} {}", name, value));
}

void tell_direction(const EventSink& tell, const std::string& name,
                    const AxiDirectionStatistics& axi) {
  tell_figure(tell, name + " bursts", axi.bursts);
  tell_figure(tell, name + " beats", axi.beats);
  tell_figure(tell, name + " bytes", axi.bytes);
}

void tell_port(const EventSink& tell, const std::string& name, const MemoryPortStatistics& port) {
  tell_figure(tell, name + " reads", port.reads);
  tell_figure(tell, name + " writes", port.writes);
  tell_figure(tell, name + " bytes read", port.read_bytes);
  tell_figure(tell, name + " bytes written", port.written_bytes);
}

void tell_wire(const EventSink& tell, const std::string& name,
               const LinkDirectionStatistics& wire) {
  tell_figure(tell, name + " packets", wire.packets);
  tell_figure(tell, name + " payload bytes", wire.payload_bytes);
  tell_figure(tell, name + " wire bytes", wire.wire_bytes);
  tell_figure(tell, name + " busy ns", wire.busy_ns);
}

void tell_dram(const EventSink& tell, const DramStatistics& dram) {
  tell_figure(tell, "DRAM reads", dram.reads);
  tell_figure(tell, "DRAM writes", dram.writes);
  tell_figure(tell, "DRAM activates", dram.activates);
  tell_figure(tell, "DRAM precharges", dram.precharges);
  tell_figure(tell, "DRAM refreshes", dram.refreshes);
  tell_figure(tell, "DRAM forwarded reads", dram.forwarded_reads);
  tell_figure(tell, "DRAM row hits", dram.row_hits);
  tell_figure(tell, "DRAM row misses", dram.row_misses);
  tell_figure(tell, "DRAM row conflicts", dram.row_conflicts);
  tell_figure(tell, "DRAM clocks", dram.clocks);
  tell_figure(tell, "DRAM clocks with data", dram.data);
  tell_figure(tell, "DRAM clocks idle", dram.idle);
  tell_figure(tell, "DRAM clocks of refresh", dram.refresh);
  tell_figure(tell, "DRAM clocks of turnaround", dram.turnaround);
  tell_figure(tell, "DRAM clocks of bank groups", dram.bank_group);
  tell_figure(tell, "DRAM clocks of rows", dram.row);
  tell_figure(tell, "DRAM clocks active", dram.active);
  tell_figure(tell, "DRAM read latency", dram.read_latency);
  tell_figure(tell, "DRAM longest read", dram.longest_read);
}

}  // namespace

std::string line_of(const TraceEvent& event) {
  return fmt::format(
      "{:<6} {:>7}  issue {:>9}  start {:>9}  end {:>9}",
      interface::kUnitNames[static_cast<std::size_t>(interface::unit_of(event.unit))],
      event.command, event.issue, event.start, event.end);
}

std::string line_of(const MemoryTransaction& t) {
  return fmt::format("cycle {:>9}  {:<5} {:#012x}  {:>5} bytes  {:016x}", t.cycle,
                     t.write ? "write" : "read", t.address, t.bytes, t.digest);
}

SimulationObserver observe(const EventSink& tell) {
  SimulationObserver observer;
  observer.event = [&tell](const TraceEvent& event) { tell(EventKind::kCommand, line_of(event)); };
  observer.transaction = [&tell](const MemoryTransaction& transaction) {
    tell(EventKind::kTransaction, line_of(transaction));
  };
  return observer;
}

void tell_figures(const PlatformResult& platform, const EventSink& tell) {
  tell_figure(tell, "cycles of the simulation", platform.cycles);
  tell_figure(tell, "simulated ns", platform.simulated_ns);
  tell_direction(tell, "AXI read", platform.axi.read);
  tell_direction(tell, "AXI write", platform.axi.write);
  const InjectionStatistics& injections = platform.injections;
  for (std::size_t i = 0; i < injections.held_cycles.size(); ++i)
    tell_figure(tell, fmt::format("held cycles of channel {}", i), injections.held_cycles[i]);
  tell_figure(tell, "injected read errors", injections.read_errors);
  tell_figure(tell, "injected write errors", injections.write_errors);
  tell_figure(tell, "silent reads", injections.silent_reads);
  tell_port(tell, "memory, accelerator:", platform.memory.accelerator);
  tell_port(tell, "memory, link:", platform.memory.link);
  tell_figure(tell, "memory busy ns", platform.memory.busy_ns);
  if (platform.dram) tell_dram(tell, platform.dram->statistics);
  tell_wire(tell, "link to the device:", platform.link.to_device);
  tell_wire(tell, "link to the host:", platform.link.to_host);
}

void tell_result(const std::string& name, const std::vector<std::byte>& bytes,
                 const EventSink& tell) {
  constexpr std::size_t kPiece = 32;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    std::string line = fmt::format("{} byte {:>9} ", name, at);
    for (std::size_t i = at; i < std::min(at + kPiece, bytes.size()); ++i)
      line += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[i]));
    tell(EventKind::kResult, line);
  }
}

void tell_counters(const DeviceCounters& counters, const EventSink& tell) {
  for (std::size_t i = 0; i < counters.size(); ++i)
    tell(EventKind::kCounter, fmt::format("{} {}", interface::kCounterNames[i], counters[i]));
}

void tell_outcome(const TensorMap& results, const PlatformResult& platform, const EventSink& tell) {
  tell_figures(platform, tell);
  for (const auto& [name, tensor] : results) tell_result(name, tensor.bytes, tell);
}

}  // namespace corank
