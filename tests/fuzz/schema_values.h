// Values for the keys of a configuration, drawn by what `corank schema` says of each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/verify/draw.h"

namespace corank::fuzz {

using draw::Random;

struct SchemaKey {
  std::string path;  // "memory.queues.read"; of a list's items "workload.shapes.layers[].in"
  std::string type;  // "integer, a power of two, 64..512"
};

/// All keys that hold a value of their own, hence no mapping.
const std::vector<SchemaKey>& schema_keys();

/// A value of this type within its range as often as `percent_valid` says, with a liking for its
/// ends; else one beside it, or one of another type.
std::string draw_value(Random& random, const std::string& type, int percent_valid);

/// Values by path, as YAML text each.
using Settings = std::map<std::string, std::string>;

/// A mapping in block style that holds the settings below `path` ("" for all).
std::string to_yaml(const Settings& settings, const std::string& path = "");

}  // namespace corank::fuzz
