// A verilated accelerator, from the shared library that build.h makes.
#pragma once

#include <cstdint>
#include <string>

#include "sim/machine/pins.h"

namespace corank {

/// One accelerator, out of reset. Every failure of the library or of an assertion in the RTL is a
/// MachineError.
class Machine {
 public:
  /// Throws MachineError if `library` cannot be opened or is of another version.
  explicit Machine(const std::string& library);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Every signal, to an FST file from now on; `library` must be built with waves. Clock n (from 1)
  /// rises at n * period_ps.
  void open_waves(const std::string& path, std::uint64_t period_ps);

  /// One clock: drives the platform's pins, samples the accelerator's just before the rising edge.
  void clock(MachinePins& pins) {
    if (clock_(machine_, &pins) != 0) fail();
  }

  /// The same; false if no bit of the state changed, so that further clocks with the same pins
  /// change nothing.
  bool clock_compare(MachinePins& pins);

 private:
  [[noreturn]] void fail() const;
  void* symbol(const char* name) const;

  std::string path_;
  void* library_ = nullptr;
  VerilatedMachine* machine_ = nullptr;
  MachineClockFunction* clock_ = nullptr;
};

}  // namespace corank
