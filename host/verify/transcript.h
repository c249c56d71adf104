// What can be seen of a run, as lines of text: equal on both accelerators, or a difference between
// them.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "host/driver/driver.h"
#include "sim/platform/platform.h"

namespace corank {

/// Lines of one kind come in one order; between kinds the order may differ.
enum class EventKind : char {
  kCommand = 'c',      // issue, start and end
  kTransaction = 't',  // of the accelerator with the memory
  kCounter = 'n',      // of the device, and what else the host reads there
  kFigure = 'f',       // of pins, memory and link
  kResult = 'r',       // 32 bytes of a tensor
  kError = 'e'         // that ended the run
};
constexpr std::array<EventKind, 6> kEventKinds = {EventKind::kCommand, EventKind::kTransaction,
                                                  EventKind::kCounter, EventKind::kFigure,
                                                  EventKind::kResult,  EventKind::kError};

using EventSink = std::function<void(EventKind, std::string)>;

std::string line_of(const TraceEvent& event);
std::string line_of(const MemoryTransaction& transaction);

/// Tells commands and transactions as they happen; `tell` outlives the simulation.
SimulationObserver observe(const EventSink& tell);

/// All that the platform has counted: time, pins, injections, memory, DRAM, link. Not what depends
/// on how it was simulated.
void tell_figures(const PlatformResult& platform, const EventSink& tell);
/// A tensor in pieces of 32 bytes, so that a difference is found near its place.
void tell_result(const std::string& name, const std::vector<std::byte>& bytes,
                 const EventSink& tell);
/// The counters of a step that has come to its end.
void tell_counters(const DeviceCounters& counters, const EventSink& tell);
/// Figures and results of a simulation that has come to its end.
void tell_outcome(const TensorMap& results, const PlatformResult& platform, const EventSink& tell);

}  // namespace corank
