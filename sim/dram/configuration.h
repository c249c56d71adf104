// A DRAM and its controller, as a configuration gives them.
#pragma once

#include <string>

#include "sim/dram/device.h"

namespace corank {

/// Closed: a row that no queued access needs is closed.
enum class PagePolicy { kOpen, kClosed };
inline const char* name_of(PagePolicy policy) {
  return policy == PagePolicy::kClosed ? "closed" : "open";
}

struct DramControllerConfig {
  PagePolicy page_policy = PagePolicy::kOpen;
  int read_queue = 32;  // accesses of a channel
  int write_queue = 32;
  int reads_in_flight = 32;  // of a channel, from admission to last data
  // Writes are drained from above `drain_high` down to `drain_low`, or when no read waits.
  int drain_high = 26;
  int drain_low = 6;
  // An access that this many of its channel have passed is served before any younger one; so many
  // writes at most are drained while reads wait.
  int starvation_limit = 256;
};

struct DramConfig {
  DramDevice device;
  int channels = 1;  // each with a data bus of its own, interleaved by the address map
  std::string address_map = "row bank column group channel";
  DramControllerConfig controller;
};

}  // namespace corank
