// A machine library that stands in front of another one and logs its pins: the platform needs no
// hook, and a run that is not recorded costs nothing.
#pragma once

#include "tests/bench/pin_log.h"

namespace corank::bench {

/// `pin_recorder_attach` of the library: machines created from now on are those of `library`, and
/// their clocks after reset go to `log`. Returns null, or what went wrong.
using PinRecorderAttach = const char*(const char* library, PinLog* log);

}  // namespace corank::bench
