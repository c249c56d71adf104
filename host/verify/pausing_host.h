// A host that lets a random time pass before it says that a tile of a streamed weight is written.
#pragma once

#include "host/verify/draw.h"
#include "sim/platform/forwarding_host.h"

namespace corank {

class PausingHost : public ForwardingHost {
 public:
  /// Pauses of less than `most_cycles` cycles of the accelerator; 0: none.
  PausingHost(HostPort& host, int most_cycles, std::uint64_t seed)
      : ForwardingHost(host), most_cycles_(most_cycles), random_(seed) {}

  void write_register(std::uint32_t offset, std::uint32_t value) override;
  bool wait_interrupt(std::int64_t timeout) override;

 private:
  int most_cycles_;
  draw::Random random_;
  bool interrupted_ = false;  // came during a pause
};

}  // namespace corank
