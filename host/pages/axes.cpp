#include "host/pages/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/report/units.h"

namespace corank {
namespace {

constexpr int kMostOnX = 6, kMostOnY = 7;  // ticks
constexpr double kRoundness = 1e-9;        // of what floating point makes of round values

// 1, 2 or 5 times a power of ten.
double round_step(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (const double times : {1.0, 2.0, 5.0})
    if (times * power >= step * (1 - kRoundness)) return times * power;
  return 10 * power;
}

std::vector<double> linear_ticks(const AxisScale& scale, int most) {
  std::vector<double> ticks;
  const double span = scale.to - scale.from;
  if (!(span > 0)) return {scale.from};
  const double step = round_step(scale.whole ? std::max(1.0, span / most) : span / most);
  const double first = std::ceil(scale.from / step * (1 - kRoundness));
  for (double i = first; i * step <= scale.to + kRoundness * span; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks;
}

std::vector<double> logarithmic_ticks(const AxisScale& scale, int most) {
  const double low = scale.from * (1 - kRoundness), high = scale.to * (1 + kRoundness);
  const auto of = [&](const std::vector<double>& times, int decades) {
    std::vector<double> ticks;
    const int last = static_cast<int>(std::floor(std::log10(high)));
    for (int power = static_cast<int>(std::floor(std::log10(low))); power <= last; ++power)
      for (const double factor : times) {
        const double value = factor * std::pow(10, power);
        const bool kept = decades == 1 || std::abs(power) % decades == 0;
        if (kept && value >= low && value <= high) ticks.push_back(value);
      }
    return ticks;
  };
  std::vector<double> ticks = of({1, 2, 5}, 1);
  if (static_cast<int>(ticks.size()) > most) ticks = of({1}, 1);
  for (int decades = 2; static_cast<int>(ticks.size()) > most; ++decades) ticks = of({1}, decades);
  return ticks;
}

// A number without a unit has no prefix, either.
std::string tick_text(double value, const std::string& unit) {
  return unit.empty() ? fmt::format("{:.6g}", value) : with_unit(value, unit.c_str());
}

// The next 1, 2 or 5 times a power of ten on this side.
double round_outwards(double value, bool up) {
  const double power = std::pow(10, std::floor(std::log10(value) + kRoundness));
  double below = power;
  for (const double times : {1.0, 2.0, 5.0, 10.0}) {
    const double round = times * power;
    if (up && round >= value * (1 - kRoundness)) return round;
    if (round <= value * (1 + kRoundness)) below = round;
  }
  return up ? 10 * power : below;
}

}  // namespace

double AxisScale::place(double value) const {
  if (!(to > from)) return begin;
  const double share =
      logarithmic ? std::log(value / from) / std::log(to / from) : (value - from) / (to - from);
  return begin + share * (end - begin);
}

std::vector<double> AxisScale::ticks(int most) const {
  return logarithmic ? logarithmic_ticks(*this, most) : linear_ticks(*this, most);
}

AxisScale scale_around(const std::vector<double>& values, bool logarithmic) {
  AxisScale scale;
  scale.logarithmic = logarithmic;
  double least = INFINITY, greatest = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || (logarithmic && value <= 0)) continue;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  if (!logarithmic) {
    scale.from = 0;
    scale.to = greatest > 0 ? greatest * 1.04 : 1;
    return scale;
  }
  if (!std::isfinite(least)) {
    scale.from = 1;
    scale.to = 10;
    return scale;
  }
  scale.from = round_outwards(least, false);
  scale.to = round_outwards(greatest, true);
  if (scale.from == scale.to) scale.to *= 10;
  return scale;
}

Axes laid_out(Axes axes) {
  double widest = 0;
  for (const double value : axes.y.ticks(kMostOnY))
    widest = std::max(widest, text_width(tick_text(value, axes.y_unit)));
  axes.x.begin = 36 + widest;
  axes.x.end = axes.width - axes.right;
  const std::vector<double> ticks = axes.x.ticks(kMostOnX);
  if (!ticks.empty())  // the last one may stand at the very end
    axes.x.end =
        std::min(axes.x.end, axes.width - text_width(tick_text(ticks.back(), axes.x_unit)) / 2 - 2);
  axes.y.begin = axes.height - axes.bottom;
  axes.y.end = axes.top;
  return axes;
}

void draw_axes(Svg& svg, const Axes& axes) {
  const double floor = axes.y.begin;
  for (const double value : axes.x.ticks(kMostOnX)) {
    const double x = axes.x.place(value);
    svg.line(x, axes.y.end, x, floor, "grid");
    svg.text(x, floor + 17, tick_text(value, axes.x_unit), "tick", Anchor::kMiddle);
  }
  for (const double value : axes.y.ticks(kMostOnY)) {
    const double y = axes.y.place(value);
    svg.line(axes.x.begin, y, axes.x.end, y, "grid");
    svg.text(axes.x.begin - 8, y + 4, tick_text(value, axes.y_unit), "tick", Anchor::kEnd);
  }
  svg.line(axes.x.begin, floor, axes.x.end, floor, "axis");
  svg.line(axes.x.begin, axes.y.end, axes.x.begin, floor, "axis");
  svg.text((axes.x.begin + axes.x.end) / 2, axes.height - 12, axes.x_label, "label",
           Anchor::kMiddle);
  svg.vertical_text(14, (axes.y.begin + axes.y.end) / 2, axes.y_label, "label");
}

}  // namespace corank
