// The keys of a DRAM in the configuration.
#pragma once

#include <vector>

#include "host/config/schema.h"
#include "sim/dram/configuration.h"

namespace corank {

/// The keys of a device's file (configs/dram).
std::vector<Key> dram_device_keys(DramDevice& device);

/// The keys that a memory of kind dram has besides kind and name.
std::vector<Key> dram_keys(DramConfig& dram);

/// What no single key can know of the mapping `memory` that the DRAM was read from: figures of the
/// device that contradict each other, a map that does not cover it, watermarks beyond the queue.
/// Throws InputError.
void check_dram(const DramConfig& dram, const YamlNode& memory);

/// The same of the mapping that a device was read from, at `path`.
void check_dram_device(const DramDevice& device, const YamlNode& node, const std::string& path);

}  // namespace corank
