// The pictures that need no answer to the user: plain data in, figures out. Each one says in a
// sentence what it shows, and has what it shows as a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/pages/page.h"

namespace corank {

// A roofline (Williams, Waterman and Patterson, CACM 52(4), 2009): what a machine can do at most of
// work that does so many operations for each byte that it moves.

/// A multiply-accumulate is two operations.
struct Roof {
  std::string name;
  double bytes_per_s = 0;  // 0: there is none
  std::string text = "";   // in place of the name with these bytes
};
struct RooflineDot {
  std::string name;
  double operations = 0, bytes = 0, seconds = 0;
};
struct Roofline {
  double operations_per_s = 0;        // of the array, all of it busy
  std::vector<Roof> roofs;            // the narrowest is what bounds
  std::vector<RooflineDot> dots;      // those without operations, bytes or time have no place
  std::optional<double> least_bytes;  // that the operations of all dots need to move
};
Figure roofline_figure(const Roofline& roofline);

/// What one unit did with the cycles: an amount for each of the parts.
struct StackedBar {
  std::string name;
  std::vector<double> amounts;
};
struct StackedBars {
  std::string id, title, sentence;
  std::vector<LegendEntry> parts;  // in the order of the amounts
  std::vector<StackedBar> bars;
  bool shares = true;    // each bar is as long as the others, and goes to 100 %
  std::string unit;      // of the amounts
  double scale = 1;      // from the amounts to that unit
  bool prefixes = true;  // of the unit
};
Figure stacked_bars_figure(const StackedBars& bars);

struct EnergyBar {
  std::string action, part, quality, source, unit;
  double count = 0, pj_each = 0, low_pj_each = 0, high_pj_each = 0, pj = 0;
};
struct EnergyBars {
  std::vector<EnergyBar> bars;
  std::string table;  // name of the energy table
  double pj = 0, low_pj = 0, high_pj = 0;
};
Figure energy_figure(const EnergyBars& energy);

/// Device memory by what lies there, as it changes over a step.
struct MemoryOverTime {
  std::vector<std::string> roles;  // from below; the last one are gaps: nothing is alive there
  struct Point {
    double seconds = 0;
    std::string at;             // the op that ends here
    std::vector<double> bytes;  // by role
  };
  std::vector<Point> points;  // in order; one alone is drawn as a bar
  double end = 0;             // seconds: of the step
  std::optional<double> capacity;
};
Figure memory_figure(const MemoryOverTime& memory);

/// Values over steps.
Figure losses_figure(const std::vector<double>& losses, std::int64_t first_step);

/// A share as people read it: "12.3 %", "< 0.1 %".
std::string percent_text(double share);

}  // namespace corank
