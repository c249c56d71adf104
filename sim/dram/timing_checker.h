// A second statement of a DRAM's timing rules, as pairs of commands and their least distance, to
// check the first (channel.cpp) by reading its commands again.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/dram/command.h"

namespace corank {

class DramTimingChecker {
 public:
  explicit DramTimingChecker(const DramDevice& device);

  /// Commands in the order of their clocks.
  void check(const DramCommand& command);

  std::int64_t commands() const { return commands_; }
  std::int64_t violations() const { return violations_; }
  /// "clock 1234: ..." of the first violation; "" if there is none.
  const std::string& first() const { return first_; }

 private:
  enum Scope { kSameBank, kSameGroup, kAnyBank };
  struct Rule {
    const char* name;
    DramCommandKind from, to;
    Scope scope;
    DramClock clocks;
  };
  static constexpr std::size_t kKinds = 6;
  using Last = std::array<DramClock, kKinds>;  // by kind; kLongAgo: never

  void require(bool holds, const DramCommand& command, const char* rule);
  void check_distances(const DramCommand& command, int bank);
  void check_buses(const DramCommand& command);
  void note(DramCommandKind kind, int bank, DramClock clock);
  void closed_by_itself(const DramCommand& command);

  DramDevice device_;
  std::vector<Rule> rules_;
  std::vector<Last> bank_, group_;
  Last channel_;
  std::vector<int> row_;  // open in each bank; -1: none
  std::array<DramClock, 4> activates_;
  std::int64_t activate_count_ = 0;
  std::int64_t refreshes_ = 0;
  std::array<DramClock, 2> bus_free_;  // of row and column commands
  DramClock data_free_ = 0;
  DramClock clock_ = 0;
  std::int64_t commands_ = 0, violations_ = 0;
  std::string first_;
};

}  // namespace corank
