#include "tests/bench/pin_recorder.h"

#include <dlfcn.h>

namespace corank {
// The machines that this library hands out are the other library's.
struct VerilatedMachine;
}  // namespace corank

namespace {

// The interface creates a machine without arguments, so what is recorded where must be known here.
struct Recorder {
  void* library = nullptr;
  corank::bench::PinLog* log = nullptr;
  corank::MachineClockFunction* clock = nullptr;
  corank::MachineClockCompareFunction* clock_compare = nullptr;
};

Recorder& recorder() {
  static Recorder instance;
  return instance;
}

template <typename Function>
Function* function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(recorder().library, name));
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char* pin_recorder_attach(const char* library, corank::bench::PinLog* log) {
  void* opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return dlerror();
  recorder().library = opened;
  recorder().log = log;
  recorder().clock = function<corank::MachineClockFunction>("corank_machine_clock");
  recorder().clock_compare =
      function<corank::MachineClockCompareFunction>("corank_machine_clock_compare");
  return nullptr;
}

EXPORT int corank_machine_version() {
  return function<corank::MachineVersionFunction>("corank_machine_version")();
}
EXPORT corank::VerilatedMachine* corank_machine_create() {
  return function<corank::MachineCreateFunction>("corank_machine_create")();
}
EXPORT void corank_machine_destroy(corank::VerilatedMachine* machine) {
  function<corank::MachineDestroyFunction>("corank_machine_destroy")(machine);
}
EXPORT const char* corank_machine_error(const corank::VerilatedMachine* machine) {
  return function<corank::MachineErrorFunction>("corank_machine_error")(machine);
}
EXPORT int corank_machine_reset(corank::VerilatedMachine* machine, int cycles) {
  return function<corank::MachineResetFunction>("corank_machine_reset")(machine, cycles);
}
EXPORT int corank_machine_clock(corank::VerilatedMachine* machine, corank::MachinePins* pins) {
  recorder().log->drive(*pins);
  const int failed = recorder().clock(machine, pins);
  recorder().log->sample(*pins);
  return failed;
}
EXPORT int corank_machine_clock_compare(corank::VerilatedMachine* machine,
                                        corank::MachinePins* pins, bool* changed) {
  recorder().log->drive(*pins);
  const int failed = recorder().clock_compare(machine, pins, changed);
  recorder().log->sample(*pins);
  return failed;
}
