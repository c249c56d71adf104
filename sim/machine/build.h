// Verilated machines on demand: one shared library for each shape, kept in a cache.
#pragma once

#include <string>

#include "sim/platform/configuration.h"

namespace corank {

struct MachineBuildOptions {
  std::string cache_directory;  // empty: $CORANK_CACHE, $XDG_CACHE_HOME/corank or ~/.cache/corank
  bool waves = false;           // can write FST files; slower even when it does not
  bool quiet = false;           // no progress line (there is none in a pipe anyway)
};

/// The path of the machine's shared library, DIR/KEY.so, which is built if it is not there. KEY is
/// a hash over all that makes the library: shape, RTL, interface, shell, Verilator, compiler and
/// CPU. Two processes that ask for the same machine at the same time build it once. The RTL is read
/// from $CORANK_RTL_DIR and $CORANK_GENERATED_RTL_DIR, or from the directories of the same names
/// that this program was compiled with. Throws MachineError if the cache cannot be written or if a
/// tool fails: the message ends with the end of its log.
std::string machine_library(const MachineShape& shape, const MachineBuildOptions& options = {});

}  // namespace corank
