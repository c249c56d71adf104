// Axes of a picture: where a value lies, and which values have a tick.
#pragma once

#include <string>
#include <vector>

#include "host/pages/svg.h"

namespace corank {

/// From values to places. A logarithmic one has positive values alone.
struct AxisScale {
  double from = 0, to = 1;    // values
  double begin = 0, end = 1;  // their places
  bool logarithmic = false;
  bool whole = false;  // of a linear one: whole numbers alone

  double place(double value) const;
  /// Round values inside of it: of a linear one 1, 2 or 5 times a power of ten apart, at most
  /// `most`; of a logarithmic one powers of ten, with 2 and 5 times them where there are few.
  std::vector<double> ticks(int most = 7) const;
};

/// From the least to the most of the values, a little wider: of a logarithmic one by whole 1, 2, 5
/// times powers of ten around them. Begins with 0 if it is linear. Values that are not finite (or
/// not positive) do not count; of none it goes from 1 to 10, or from 0 to 1.
AxisScale scale_around(const std::vector<double>& values, bool logarithmic);

/// Of most pictures, in CSS pixels of a page of usual width.
inline constexpr double kFigureWidth = 560;

struct Axes {
  double width = kFigureWidth, height = 340;
  double right = 20, top = 16, bottom = 52;
  AxisScale x, y;                // their places are set by laid_out()
  std::string x_label, y_label;  // with units
  std::string x_unit, y_unit;    // of the ticks: "s", "B"; with prefixes
};

/// The scales have their places, with room for the ticks' texts.
Axes laid_out(Axes axes);
/// Grid, ticks and labels.
void draw_axes(Svg& svg, const Axes& axes);

}  // namespace corank
