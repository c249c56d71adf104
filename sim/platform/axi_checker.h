// Watches the accelerator's side of its AXI4 and AXI4-Lite ports (Arm IHI 0022, the rules cited at
// each check).
#pragma once

#include <cstdint>
#include <deque>

#include "sim/machine/pins.h"

namespace corank {

class AxiChecker {
 public:
  /// `beat_bytes`: bytes of the AXI4 data bus.
  explicit AxiChecker(int beat_bytes) : beat_bytes_(beat_bytes) {}

  /// The pins at the rising edge of `cycle`. Throws MachineError with the rule and the cycle.
  void check(const MachinePins& pins, std::int64_t cycle);

 private:
  void check_stable(const MachinePins& pins, std::int64_t cycle) const;
  void check_address(const char* channel, std::uint64_t address, int len, int size, int burst,
                     std::int64_t cycle) const;
  void check_write_data(const MachinePins& pins, std::int64_t cycle);
  void check_control(const MachinePins& pins, std::int64_t cycle);

  int beat_bytes_;
  bool waiting_ = false;    // a valid of the accelerator's was not answered in the cycle before
  MachinePins before_{};    // that cycle, if so
  std::deque<int> writes_;  // beats of each burst whose last beat has not been transferred
  int beats_ = 0;           // of the oldest burst, transferred
  int control_writes_ = 0;  // AXI4-Lite: addresses and data taken, responses not given
  int control_data_ = 0;
  int control_reads_ = 0;
};

}  // namespace corank
