// The machines of the tests, and the random cases on them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/verify/layer_case.h"

namespace corank::test {

/// Each takes its time to build: 1x1, 3x5, 4x4, 8x8, 16x8, 2x7; queues of 1 to 4 commands, every
/// width of the bus.
std::vector<MachineShape> test_machines();

/// machine_library of a shape, asked once a process: each question starts the tools for their
/// versions.
const std::string& library_of(const MachineShape& shape);

/// A number that whoever replays a case gives in the environment.
std::int64_t setting(const char* name, std::int64_t fallback);

/// Random layers on these machines.
CaseSource test_cases(std::int64_t most_cycles, Sizes sizes = Sizes::kEdges);

/// How often each device of configs/memory occurs; a name that is not there counts 0.
class DeviceCount {
 public:
  DeviceCount();
  void add(const LayerCase& layer);
  int least() const;
  int devices() const { return static_cast<int>(counts_.size()); }
  std::string text() const;

 private:
  std::map<std::string, int> counts_;
};

/// Which pairs of remainders occur on each machine: of (in by R, out by C) and of (tokens by R, r
/// by C).
class RemainderPairs {
 public:
  void add(const LayerCase& layer);
  /// How many of all that these machines can have did not occur.
  std::size_t missing(const std::vector<MachineShape>& machines) const;

 private:
  std::set<std::string> seen_;
};

}  // namespace corank::test
