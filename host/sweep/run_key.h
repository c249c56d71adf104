// The name of an exact run: a hash of all that its time and counters depend on.
#pragma once

#include <map>
#include <string>

#include "host/config/config.h"

namespace corank {

/// Raised by hand whenever the cycles or counters of any program change: what was stored before
/// is then no run of today's model. tests/host/sweep/run_key_test.cpp has cycles beside it, and
/// fails if that was forgotten.
inline constexpr int kTimingVersion = 2;

/// The fidelity of exact runs, as it stands in keys and in the store.
inline constexpr const char* kExactFidelity = "cycle";

/// Of files and folders, each read once as long as it stays as it is.
class ContentDigests {
 public:
  /// SHA-256 of a file's bytes; of a folder, of the names and contents of the files in it. Throws
  /// InputError for what cannot be read.
  std::string of(const std::string& path);

 private:
  std::string of_file(const std::string& path);

  std::map<std::string, std::string> by_state_;  // path, device, inode, size and time of change
};

/// 64 hexadecimal digits: SHA-256 of measured_config(config) in canonical form (timed_values()),
/// of the fidelity and of kTimingVersion. A value that is the default's is left out, so that a key
/// of the configuration that comes later changes no key of a run. Throws as ContentDigests does.
std::string run_key(const Config& config, ContentDigests& digests);

}  // namespace corank
