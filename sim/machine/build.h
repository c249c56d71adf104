// Verilated machines on demand: one shared library for each shape, kept in a cache.
#pragma once

#include <functional>
#include <string>

#include "sim/machine/shape.h"

namespace corank {

struct MachineBuildOptions {
  std::string cache_directory;  // empty: cache_root()
  bool waves = false;           // can write FST files; slower even when it does not
  bool quiet = false;           // no progress line (there is none in a pipe anyway)
  std::function<bool()> stop;   // asked some times a second: whether to give up
};

/// The folder of what is kept from run to run: $CORANK_CACHE, $XDG_CACHE_HOME/corank or
/// ~/.cache/corank. Throws MachineError if none of them is set.
std::string cache_root();

/// The path of the machine's shared library in the cache, which is built if it is not there. Its
/// name holds a hash over all that makes it: shape, RTL, interface, shell, compiler options and
/// CPU, and one over the versions of the tools. A library that is not as it was written (a checksum
/// lies beside it) is built again. Two processes that ask for the same machine at the same time
/// build it once.
///
/// Where the tools are not installed, one that other tools have built will do; where the RTL is not
/// there any more either, the last one that was used of that shape.
///
/// $CORANK_MACHINE, if it is set, is another library that stands in its place, whatever the shape:
/// the driver sees by the registers that it is the right one.
///
/// The RTL is read from $CORANK_RTL_DIR and $CORANK_GENERATED_RTL_DIR, or from the directories of
/// the same names that this program was compiled with. Throws MachineError if the cache cannot be
/// written or if a tool fails: the message ends with the end of its log. Throws Interrupted if
/// `stop` says so; the tools are then ended.
std::string machine_library(const MachineShape& shape, const MachineBuildOptions& options = {});

}  // namespace corank
