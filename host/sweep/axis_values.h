// The values of an axis as a sweep's file gives them: a list, or a range.
#pragma once

#include <string>
#include <vector>

#include "host/config/yaml_tree.h"
#include "host/sweep/sweep_table.h"

namespace corank {

struct AxisValues {
  SweepAxis axis;
  std::vector<std::string> settings;  // "path=value", relative paths taken from the file's folder
};

/// Throws InputError: a key that no configuration has, a value that the key does not take, an empty
/// or endless range, a value given twice.
AxisValues read_axis(const YamlEntry& entry);

/// "path=value" of a key with a value that it takes. Throws InputError for others.
std::string setting_of(const YamlEntry& entry);

}  // namespace corank
