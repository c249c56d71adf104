// Operations a second against operations a byte.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "host/pages/axes.h"
#include "host/pages/pictures.h"
#include "host/report/units.h"

namespace corank {
namespace {

double intensity_of(const RooflineDot& dot) { return dot.operations / dot.bytes; }
double rate_of(const RooflineDot& dot) { return dot.operations / dot.seconds; }

std::vector<RooflineDot> placed(const std::vector<RooflineDot>& dots) {
  std::vector<RooflineDot> kept;
  for (const RooflineDot& dot : dots)
    if (dot.operations > 0 && dot.bytes > 0 && dot.seconds > 0) kept.push_back(dot);
  std::stable_sort(kept.begin(), kept.end(), [](const RooflineDot& a, const RooflineDot& b) {
    return a.seconds > b.seconds;
  });
  return kept;
}

// The roofs that have a slope, the narrowest first.
std::vector<Roof> sloping(std::vector<Roof> roofs) {
  roofs.erase(std::remove_if(roofs.begin(), roofs.end(),
                             [](const Roof& roof) { return !(roof.bytes_per_s > 0); }),
              roofs.end());
  std::stable_sort(roofs.begin(), roofs.end(),
                   [](const Roof& a, const Roof& b) { return a.bytes_per_s < b.bytes_per_s; });
  // Of the same width, one line with both names.
  std::vector<Roof> different;
  for (const Roof& roof : roofs) {
    if (!different.empty() && roof.text.empty() && different.back().text.empty() &&
        roof.bytes_per_s < different.back().bytes_per_s * 1.01)
      different.back().name += " and " + roof.name;
    else
      different.push_back(roof);
  }
  return different;
}

Axes roofline_axes(const Roofline& r, const std::vector<RooflineDot>& dots,
                   const std::vector<Roof>& roofs) {
  std::vector<double> xs, ys = {r.operations_per_s, r.operations_per_s / 50};
  for (const RooflineDot& dot : dots) {
    xs.push_back(intensity_of(dot) / 1.5);
    xs.push_back(intensity_of(dot) * 2.5);
    ys.push_back(rate_of(dot) / 1.5);
  }
  for (const Roof& roof : roofs) {
    xs.push_back(r.operations_per_s / roof.bytes_per_s / 8);
    xs.push_back(r.operations_per_s / roof.bytes_per_s * 2);
  }
  Axes axes;
  axes.x = scale_around(xs, true);
  axes.y = scale_around(ys, true);
  axes.y.to = r.operations_per_s * 2;
  axes.x_label = "operations for each byte of device memory (2 a multiply-accumulate)";
  axes.y_label = "operations a second";
  axes.x_unit = "op/B";
  axes.y_unit = "op/s";
  return laid_out(axes);
}

struct Box {
  double left, top, right, bottom;
};
bool meet(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// Finds texts a place that no other one has; those that find none are left out.
class Labels {
 public:
  explicit Labels(const Axes& axes) : axes_(axes) {}
  void keep_clear(const Box& box) { taken_.push_back(box); }
  bool draw(Svg& svg, double x, double y, double distance, const std::string& text,
            bool on_slope = false) {
    const double width = text_width(text, 11.5);
    std::vector<std::tuple<double, double, Anchor>> places = {
        {x + distance, y + 4, Anchor::kStart},  {x - distance, y + 4, Anchor::kEnd},
        {x, y - distance - 2, Anchor::kMiddle}, {x, y + distance + 10, Anchor::kMiddle},
        {x + distance, y - 9, Anchor::kStart},  {x + distance, y + 17, Anchor::kStart},
        {x - distance, y + 17, Anchor::kEnd}};
    if (on_slope)
      places = {{x + distance, y + 14, Anchor::kStart}, {x - distance, y - 6, Anchor::kEnd}};
    for (const auto& [at, base, anchor] : places) {
      const double left = anchor == Anchor::kStart ? at
                          : anchor == Anchor::kEnd ? at - width
                                                   : at - width / 2;
      const Box box = {left, base - 10, left + width, base + 3};
      const bool inside = box.left > axes_.x.begin && box.right < axes_.width - 4 &&
                          box.top > axes_.y.end && box.bottom < axes_.y.begin;
      const bool free = std::none_of(taken_.begin(), taken_.end(),
                                     [&](const Box& other) { return meet(box, other); });
      if (!inside || !free) continue;
      taken_.push_back(box);
      svg.text(at, base, text, "small halo", anchor);
      return true;
    }
    return false;
  }

 private:
  const Axes& axes_;
  std::vector<Box> taken_;
};

// A sloping roof from the left edge, or from the floor, to where the array's begins.
void draw_slope(Svg& svg, const Axes& axes, const Roofline& r, const Roof& roof, bool first) {
  const double begin = std::max(axes.x.from, axes.y.from / roof.bytes_per_s);
  const double end = std::min(axes.x.to, r.operations_per_s / roof.bytes_per_s);
  if (begin >= end) return;
  const double x1 = axes.x.place(begin), y1 = axes.y.place(begin * roof.bytes_per_s);
  const double x2 = axes.x.place(end), y2 = axes.y.place(end * roof.bytes_per_s);
  svg.line(x1, y1, x2, y2, first ? "roof" : "roof dashed thin");
}

std::string roof_text(const Roof& roof) {
  return roof.text.empty() ? roof.name + ", " + with_unit(roof.bytes_per_s, "B/s") : roof.text;
}

std::string roofline_sentence(const Roofline& r, const std::vector<RooflineDot>& dots,
                              const std::vector<Roof>& roofs) {
  if (dots.empty() || roofs.empty()) return "What the machine can do at most.";
  double operations = 0, bytes = 0, seconds = 0;
  for (const RooflineDot& dot : dots) {
    operations += dot.operations;
    bytes += dot.bytes;
    seconds += dot.seconds;
  }
  const double intensity = operations / bytes;
  const double reachable = std::min(r.operations_per_s, intensity * roofs.front().bytes_per_s);
  const bool array = r.operations_per_s <= intensity * roofs.front().bytes_per_s;
  return fmt::format(
      "The work does {:.3g} operations for each byte that it moves, under the roof of {}; it gets "
      "{} of what that allows.",
      intensity, array ? "the array" : "the " + roofs.front().name,
      percent_text(operations / seconds / reachable));
}

PageTable roofline_table(const Roofline& r, const std::vector<RooflineDot>& dots,
                         const std::vector<Roof>& roofs) {
  PageTable table;
  table.head = {"what", "operations",          "bytes",      "operations a byte",
                "time", "operations a second", "of its roof"};
  for (const RooflineDot& dot : dots) {
    double roof = r.operations_per_s;
    for (const Roof& one : roofs) roof = std::min(roof, intensity_of(dot) * one.bytes_per_s);
    table.rows.push_back({dot.name, with_unit(dot.operations, ""), with_unit(dot.bytes, "B"),
                          fmt::format("{:.4g}", intensity_of(dot)), with_unit(dot.seconds, "s"),
                          with_unit(rate_of(dot), ""), percent_text(rate_of(dot) / roof)});
  }
  table.rows.push_back({"roof: array", "", "", "", "", with_unit(r.operations_per_s, ""), ""});
  for (const Roof& roof : roofs)
    table.rows.push_back({"roof: " + roof_text(roof), "", "", "", "", "", ""});
  return table;
}

}  // namespace

Figure roofline_figure(const Roofline& r) {
  const std::vector<RooflineDot> dots = placed(r.dots);
  const std::vector<Roof> roofs = sloping(r.roofs);
  Figure figure;
  figure.id = "roofline";
  figure.title = "Roofline: is it the array, or the memory?";
  figure.sentence = roofline_sentence(r, dots, roofs);
  figure.table = roofline_table(r, dots, roofs);
  const Axes axes = roofline_axes(r, dots, roofs);
  Svg svg("roofline", axes.width, axes.height, figure.title,
          figure.sentence +
              " Horizontal: operations for each byte, logarithmic; vertical: "
              "operations a second, logarithmic. Every dot is in the table below.");
  draw_axes(svg, axes);
  Labels labels(axes);
  const double roof_y = axes.y.place(r.operations_per_s);
  const double ridge = roofs.empty() ? axes.x.from
                                     : std::clamp(r.operations_per_s / roofs.back().bytes_per_s,
                                                  axes.x.from, axes.x.to);
  svg.line(axes.x.place(ridge), roof_y, axes.x.end, roof_y, "roof");
  svg.text(axes.x.end, roof_y - 8, "array, " + with_unit(r.operations_per_s, "op/s"), "small",
           Anchor::kEnd);
  labels.keep_clear({axes.x.place(ridge), roof_y - 20, axes.x.end, roof_y + 2});
  for (std::size_t i = 0; i < roofs.size(); ++i) draw_slope(svg, axes, r, roofs[i], i == 0);
  if (r.least_bytes && !dots.empty()) {
    double operations = 0;
    for (const RooflineDot& dot : dots) operations += dot.operations;
    const double x = axes.x.place(std::clamp(operations / *r.least_bytes, axes.x.from, axes.x.to));
    svg.line(x, axes.y.begin, x, axes.y.begin - 14, "limit");
    svg.text(x + 4, axes.y.begin - 5, "least bytes", "small halo");
    labels.keep_clear({x, axes.y.begin - 16, x + 70, axes.y.begin});
  }
  double seconds = 0;
  for (const RooflineDot& dot : dots) seconds += dot.seconds;
  std::vector<double> radii;
  for (const RooflineDot& dot : dots) {
    radii.push_back(4 + 14 * std::sqrt(dot.seconds / seconds));
    const double x = axes.x.place(intensity_of(dot)), y = axes.y.place(rate_of(dot));
    labels.keep_clear({x - radii.back(), y - radii.back(), x + radii.back(), y + radii.back()});
  }
  for (std::size_t i = 0; i < dots.size(); ++i) {
    const RooflineDot& dot = dots[i];
    const double x = axes.x.place(intensity_of(dot)), y = axes.y.place(rate_of(dot));
    svg.marker(static_cast<int>(i), x, y, radii[i], fmt::format("dot faint c{}", i % 6),
               fmt::format("{}: {} in {}, {:.3g} operations a byte", dot.name,
                           with_unit(dot.operations, "operations"), with_unit(dot.seconds, "s"),
                           intensity_of(dot)));
  }
  for (std::size_t i = 0; i < dots.size(); ++i)
    labels.draw(svg, axes.x.place(intensity_of(dots[i])), axes.y.place(rate_of(dots[i])),
                radii[i] + 4, dots[i].name);
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    // Beside the roof, where there is room.
    const double begin = std::max(axes.x.from, axes.y.from / roofs[i].bytes_per_s);
    const double end = std::min(axes.x.to, r.operations_per_s / roofs[i].bytes_per_s);
    if (begin >= end) continue;
    for (const double share : {0.5, 0.35, 0.65, 0.2, 0.8, 0.1, 0.02}) {
      const double at = begin * std::pow(end / begin, share);
      if (labels.draw(svg, axes.x.place(at), axes.y.place(at * roofs[i].bytes_per_s), 8,
                      roof_text(roofs[i]), true))
        break;
    }
  }
  figure.picture = svg.str();
  figure.notes = {
      "The larger a mark, the more of the time it took. A roof is what the part could "
      "give if it were busy all the time."};
  return figure;
}

}  // namespace corank
