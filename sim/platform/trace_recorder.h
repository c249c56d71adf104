// Puts the accelerator's trace pins together to one event a command.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/machine/pins.h"
#include "sim/platform/statistics.h"

namespace corank {

class TraceRecorder {
 public:
  /// With a listener, ended commands are told to it and not kept.
  explicit TraceRecorder(std::function<void(const TraceEvent&)> listener = nullptr)
      : listener_(std::move(listener)) {}

  void record(const MachinePins& pins, std::int64_t cycle) {
    if (pins.trace_issue_valid) issued_[pins.trace_issue_index] = cycle;
    for (int unit = 0; unit < kUnits; ++unit) {
      if ((pins.trace_start_valid >> unit & 1) != 0)
        start(unit, pins.trace_start_index[unit], cycle);
      if ((pins.trace_end_valid >> unit & 1) != 0) end(unit, pins.trace_end_index[unit], cycle);
    }
  }

  /// In the order of their ends; then what was issued or started but did not end.
  std::vector<TraceEvent> take() {
    for (const std::vector<TraceEvent>& unit : running_) {
      ended_.insert(ended_.end(), unit.begin(), unit.end());
    }
    return std::move(ended_);
  }

 private:
  void start(int unit, std::uint32_t command, std::int64_t cycle) {
    TraceEvent event;
    event.unit = static_cast<interface::Engine>(unit);
    event.command = command;
    event.start = cycle;
    if (const auto issue = issued_.find(command); issue != issued_.end()) {
      event.issue = issue->second;
      issued_.erase(issue);
    }
    running_[unit].push_back(event);
  }

  void end(int unit, std::uint32_t command, std::int64_t cycle) {
    std::vector<TraceEvent>& running = running_[unit];
    for (auto event = running.begin(); event != running.end(); ++event) {
      if (event->command != command) continue;
      event->end = cycle;
      if (listener_) {
        listener_(*event);
      } else {
        ended_.push_back(*event);
      }
      running.erase(event);
      return;
    }
  }

  std::function<void(const TraceEvent&)> listener_;
  std::unordered_map<std::uint32_t, std::int64_t> issued_;
  std::vector<TraceEvent> running_[kUnits];
  std::vector<TraceEvent> ended_;
};

}  // namespace corank
