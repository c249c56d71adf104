// What a machine takes of an FPGA: `corank cost --target`.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/cost/cost.h"

namespace corank {

/// What is counted: LUTs (with those that carry chains and distributed RAMs take), flip-flops,
/// block RAMs (of Xilinx 7 halves of 18 Kbit), multipliers.
inline constexpr std::array<const char*, 4> kFpgaKinds = {"lut", "ff", "bram", "dsp"};
inline constexpr std::array<const char*, kFpgaKinds.size()> kFpgaKindTitles = {
    "LUTs", "flip-flops", "block RAMs", "DSPs"};
using FpgaCounts = std::array<std::int64_t, kFpgaKinds.size()>;

struct FpgaPart {
  const char* name;
  FpgaCounts has;
};

struct FpgaFamily {
  const char* target;  // as --target takes it
  const char* title;
  std::vector<FpgaPart> parts;  // in the order of their size
  const char* source;           // of the parts' sizes
  bool routable;                // there is a tool that places and routes it
};

const std::vector<FpgaFamily>& fpga_families();
/// As --target takes it; nullptr: none of them.
const FpgaFamily* fpga_family(const std::string& target);

/// Of what a part has too little: "30000 LUTs of 24288, 57 block RAMs of 56"; "" if it holds them.
std::string lacking_of(const FpgaPart& part, const FpgaCounts& counts);

struct FpgaUnit {
  std::string unit;
  FpgaCounts counts{};
  std::optional<double> fmax_mhz;  // placed and routed by itself; of instances the slowest
  std::string from, to;            // the slowest path's registers
  std::string failed;              // why an instance of it has no fmax
};

struct FpgaReport {
  std::string name;
  MachineShape machine;
  const FpgaFamily* family = nullptr;
  const FpgaPart* part = nullptr;
  double clock_mhz = 0;  // what the configuration asks for
  std::string tools;
  std::string routing;          // with what, "" if nothing was placed and routed
  std::vector<FpgaUnit> units;  // the largest first
  FpgaUnit whole;               // the machine

  bool fits() const;
  /// What bounds the clock: the machine if it was routed, else the unit with the lowest fmax;
  /// nullptr if nothing has one.
  const FpgaUnit* slowest() const;
};

/// `part`: "" for the smallest one that holds the machine, else the largest. Throws InputError for
/// an unknown target or part, for a target that cannot be routed, for a machine beyond the flow,
/// for missing tools.
FpgaReport fpga_cost(const Config& config, const std::string& target, const std::string& part,
                     const CostOptions& options);

/// From what the synthesis says.
FpgaReport fpga_report(const nlohmann::json& synthesis, const FpgaFamily& family,
                       const std::string& part);

nlohmann::ordered_json to_json(const FpgaReport& report);
std::string to_table(const FpgaReport& report);

}  // namespace corank
