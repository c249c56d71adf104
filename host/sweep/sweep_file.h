// The sweep that a user describes: YAML, checked, into plain structs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/config/config.h"
#include "host/sweep/objectives.h"
#include "host/sweep/sweep_table.h"

namespace corank {

enum class SearchMethod { kBound, kRandom, kHalton, kNsga2, kAll };
const char* name_of(SearchMethod method);

struct SweepWorkload {
  std::string name;
  double weight = 1;
  std::vector<std::string> settings;  // "path=value"
};

struct SweepExpression {
  std::string path;  // of a derived key; "": of a constraint
  std::string text;
  SourceLocation where;
};

struct SweepFile {
  std::string file, name;
  std::string configuration;             // path; "": the defaults
  std::vector<std::string> settings;     // of `corank sweep --set`, before those of a design
  std::vector<SweepWorkload> workloads;  // one at least
  std::vector<SweepAxis> axes;
  std::vector<SweepExpression> derived, constraints;
  std::vector<Objective> objectives;
  Prices prices;
  SearchMethod method = SearchMethod::kBound;
  double tolerance = 0;
  std::int64_t round = 256;
  std::uint64_t seed = 1;
  std::int64_t most_runs = 0;  // 0: until the front is proved
  double most_seconds = 0;     // 0: likewise

  std::size_t designs() const;
};

/// Throws InputError: an unknown key or axis, an empty range, no objective, an expression that is
/// none, names that nothing has.
SweepFile load_sweep(const std::string& path, const std::vector<std::string>& settings = {});

/// The settings of a design ("path=value", derived keys included), without the workload's.
std::vector<std::string> settings_of(const SweepFile& sweep, std::size_t design);
/// The design's configuration under a workload. Throws InputError as load_config() does.
Config config_of(const SweepFile& sweep, std::size_t design, std::size_t workload);
/// The `corank run` command that carries it out.
std::string run_line_of(const SweepFile& sweep, std::size_t design, std::size_t workload);

}  // namespace corank
