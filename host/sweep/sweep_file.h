// The sweep that a user describes: YAML, checked, into plain structs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/config/config.h"
#include "host/cost/fpga_form.h"
#include "host/sweep/objectives.h"
#include "host/sweep/sweep_table.h"

namespace corank {

class SweepRules;  // host/sweep/sweep_rules.h

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

/// What the machines are to be put on.
struct SweepFpga {
  std::string target, part_name;  // as the file has them; "": there is none
  const FpgaFit* fit = nullptr;   // the closed form of what they take of it
  const FpgaFamily* family = nullptr;
  const FpgaPart* part = nullptr;
};

struct SweepFile {
  std::string file, name;
  std::string configuration;             // path; "": the defaults
  std::vector<std::string> settings;     // of `corank sweep --set`, before those of a design
  std::vector<SweepWorkload> workloads;  // one at least
  std::vector<SweepAxis> axes;
  // By axis and value: what is set ("path=value"), its paths taken from the folder of the file.
  std::vector<std::vector<std::string>> axis_settings;
  std::vector<SweepExpression> derived, constraints;
  SourceLocation axes_place;
  std::shared_ptr<const SweepRules> rules;  // derived keys and constraints; load_sweep() makes it
  std::vector<Objective> objectives;
  SweepFpga fpga;
  Prices prices;
  SearchMethod method = SearchMethod::kBound;
  double tolerance = 0;
  std::int64_t round = 256;
  std::uint64_t seed = 1;
  std::int64_t most_runs = 0;  // 0: until the front is proved
  double most_seconds = 0;     // 0: likewise

  std::size_t designs() const;
  /// The places in the axes' values that make up a design, and the design of such places.
  std::vector<std::size_t> places_of(std::size_t design) const;
  std::size_t design_of(const std::vector<std::size_t>& places) const;
};

/// What is known of a design before anything is compiled, beside its keys; constraints may name it.
/// Of device_bytes that is true when its commands are there. With an FPGA the objectives that are
/// its own (is_of_fpga) are known, too.
inline constexpr const char* kDeviceBytesName = "device_bytes";
inline constexpr std::array<const char*, 4> kSweepFigureNames = {"area_mm2", "fmax_mhz",
                                                                 "clock_mhz", kDeviceBytesName};

/// Throws InputError: an unknown key or axis, an empty range, no objective, an expression that is
/// none, names that nothing has.
SweepFile load_sweep(const std::string& path, const std::vector<std::string>& settings = {});

/// The settings of a design ("path=value", derived keys included), without the workload's. What
/// gives a whole mapping comes before the keys below it.
std::vector<std::string> settings_of(const SweepFile& sweep, std::size_t design);
/// All settings of a run, in the order in which load_config() takes them: the sweep's, a design's
/// own, those of a workload.
std::vector<std::string> with_settings(const SweepFile& sweep, std::vector<std::string> own,
                                       std::size_t workload);
/// The design's configuration under a workload. Throws InputError as load_config() does.
Config config_of(const SweepFile& sweep, std::size_t design, std::size_t workload);
/// A number as settings have it: whole ones without a point.
std::string number_text(double value);
/// The number that a value of an axis is; nothing for a text.
std::optional<double> number_of(const std::string& value);

/// The `corank run` command that carries it out.
std::string run_line_of(const SweepFile& sweep, std::size_t design, std::size_t workload);

}  // namespace corank
