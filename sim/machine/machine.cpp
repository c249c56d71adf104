#include "sim/machine/machine.h"

#include <dlfcn.h>

#include "models/base/error.h"

namespace corank {

namespace {

// Long enough for any synchronous reset to reach every register.
constexpr int kResetCycles = 4;

}  // namespace

Machine::Machine(const std::string& library) : path_(library) {
  library_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    throw MachineError("the verilated machine cannot be opened: " + std::string(dlerror()));
  }
  try {
    const int version =
        reinterpret_cast<MachineVersionFunction*>(symbol("corank_machine_version"))();
    if (version != kMachineInterfaceVersion) {
      throw MachineError(path_ + ": expected a machine of version " +
                         std::to_string(kMachineInterfaceVersion) + ", found " +
                         std::to_string(version));
    }
    clock_ = reinterpret_cast<MachineClockFunction*>(symbol("corank_machine_clock"));
    machine_ = reinterpret_cast<MachineCreateFunction*>(symbol("corank_machine_create"))();
    const auto reset = reinterpret_cast<MachineResetFunction*>(symbol("corank_machine_reset"));
    if (reset(machine_, kResetCycles) != 0) fail();
  } catch (...) {
    if (machine_ != nullptr) {
      reinterpret_cast<MachineDestroyFunction*>(symbol("corank_machine_destroy"))(machine_);
    }
    dlclose(library_);
    throw;
  }
}

Machine::~Machine() {
  reinterpret_cast<MachineDestroyFunction*>(symbol("corank_machine_destroy"))(machine_);
  dlclose(library_);
}

void Machine::open_waves(const std::string& path, std::uint64_t period_ps) {
  const auto open =
      reinterpret_cast<MachineOpenWavesFunction*>(symbol("corank_machine_open_waves"));
  if (open(machine_, path.c_str(), period_ps) != 0) fail();
}

bool Machine::clock_compare(MachinePins& pins) {
  const auto compare =
      reinterpret_cast<MachineClockCompareFunction*>(symbol("corank_machine_clock_compare"));
  bool changed = true;
  if (compare(machine_, &pins, &changed) != 0) fail();
  return changed;
}

void Machine::fail() const {
  const auto error = reinterpret_cast<MachineErrorFunction*>(symbol("corank_machine_error"));
  throw MachineError("the accelerator stopped: " + std::string(error(machine_)));
}

void* Machine::symbol(const char* name) const {
  void* address = dlsym(library_, name);
  if (address == nullptr) throw MachineError(path_ + ": no function " + std::string(name));
  return address;
}

}  // namespace corank
