// Device memory over a step, stacked by what lies there; losses over the steps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/pages/axes.h"
#include "host/pages/pictures.h"
#include "host/report/units.h"

namespace corank {
namespace {

// A capacity that is more times the fullest moment than this would leave nothing to see.
constexpr double kCapacityInSight = 3;

double bytes_of(const MemoryOverTime::Point& point) {
  double sum = 0;
  for (const double bytes : point.bytes) sum += bytes;
  return sum;
}

// The most that is alive is what is looked for.
double alive_of(const MemoryOverTime::Point& point) { return bytes_of(point) - point.bytes.back(); }

const std::vector<std::string>& role_styles() {
  static const std::vector<std::string> styles = {"c0", "c2", "c1", "c5", "c4", "c3", "c7"};
  return styles;
}

// Roles that take nearly nothing are one; the others have a colour each, by their order.
struct ShownRoles {
  std::vector<std::string> names, styles;
  std::vector<std::vector<std::size_t>> of;  // places in the data's roles
};

ShownRoles shown_roles(const MemoryOverTime& memory) {
  double most = 0;
  std::vector<double> largest(memory.roles.size(), 0);
  for (const MemoryOverTime::Point& point : memory.points) {
    most = std::max(most, bytes_of(point));
    for (std::size_t i = 0; i < point.bytes.size(); ++i)
      largest[i] = std::max(largest[i], point.bytes[i]);
  }
  ShownRoles shown;
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < memory.roles.size(); ++i) {
    if (largest[i] == 0) continue;
    const bool gaps = i + 1 == memory.roles.size();
    if (gaps) continue;
    if (largest[i] < 0.01 * most) {
      small.push_back(i);
    } else {
      shown.names.push_back(memory.roles[i]);
      shown.of.push_back({i});
    }
  }
  // No more kinds than there are colours.
  while (shown.names.size() + 1 > role_styles().size()) {
    small.insert(small.end(), shown.of.back().begin(), shown.of.back().end());
    shown.names.pop_back();
    shown.of.pop_back();
  }
  if (!small.empty()) {
    std::string name = "others: ";
    for (std::size_t i = 0; i < small.size(); ++i)
      name += (i == 0 ? "" : ", ") + memory.roles[small[i]];
    shown.names.push_back(name);
    shown.of.push_back(small);
  }
  shown.styles.assign(role_styles().begin(),
                      role_styles().begin() + static_cast<std::ptrdiff_t>(shown.names.size()));
  if (largest.back() > 0) {
    shown.names.push_back(memory.roles.back());
    shown.styles.emplace_back("none");
    shown.of.push_back({memory.roles.size() - 1});
  }
  return shown;
}

double bytes_of(const MemoryOverTime::Point& point, const std::vector<std::size_t>& roles) {
  double sum = 0;
  for (const std::size_t role : roles) sum += point.bytes[role];
  return sum;
}

// What lies there by the end of an op is drawn from the point before to this one.
void draw_areas(Svg& svg, const MemoryOverTime& memory, const ShownRoles& shown, const Axes& axes) {
  const std::size_t count = memory.points.size();
  std::vector<double> below(count, 0);
  for (std::size_t role = 0; role < shown.of.size(); ++role) {
    std::vector<std::pair<double, double>> top, bottom;
    for (std::size_t i = 0; i < count; ++i) {
      const double begin = i == 0 ? 0 : memory.points[i - 1].seconds;
      const double end = i + 1 == count ? std::max(memory.end, memory.points[i].seconds)
                                        : memory.points[i].seconds;
      const double low = below[i], high = low + bytes_of(memory.points[i], shown.of[role]);
      for (const double time : {begin, end}) {
        top.emplace_back(axes.x.place(time), axes.y.place(high));
        bottom.emplace_back(axes.x.place(time), axes.y.place(low));
      }
      below[i] = high;
    }
    top.insert(top.end(), bottom.rbegin(), bottom.rend());
    svg.polygon(top, shown.styles[role], shown.names[role]);
  }
}

PageTable memory_table(const MemoryOverTime& memory) {
  PageTable table;
  table.head = {"by the end of", "time", "all"};
  for (const std::string& role : memory.roles) table.head.push_back(role);
  for (const MemoryOverTime::Point& point : memory.points) {
    std::vector<std::string> row = {point.at, with_unit(point.seconds, "s"),
                                    with_unit(bytes_of(point), "B")};
    for (const double bytes : point.bytes) row.push_back(with_unit(bytes, "B"));
    table.rows.push_back(row);
  }
  return table;
}

}  // namespace

Figure memory_figure(const MemoryOverTime& memory) {
  Figure figure;
  figure.id = "memory";
  figure.title = "Device memory over the step";
  const auto fullest =
      std::max_element(memory.points.begin(), memory.points.end(),
                       [](const auto& a, const auto& b) { return alive_of(a) < alive_of(b); });
  if (fullest == memory.points.end()) return figure;
  const double planned = bytes_of(*fullest), most = alive_of(*fullest);
  const bool one = memory.points.size() == 1;
  figure.sentence = fmt::format("The step takes {}", with_unit(planned, "B")) +
                    (memory.capacity ? fmt::format(", {} of the memory's {}",
                                                   percent_text(planned / *memory.capacity),
                                                   with_unit(*memory.capacity, "B"))
                                     : "");
  if (!one)
    figure.sentence +=
        fmt::format("; the most that is alive, {}, is so {} into it, at {}", with_unit(most, "B"),
                    with_unit(fullest->seconds, "s"), fullest->at);
  figure.sentence += ".";
  const ShownRoles shown = shown_roles(memory);
  for (std::size_t role = 0; role < shown.names.size(); ++role)
    figure.legend.push_back({shown.styles[role], shown.names[role]});
  Axes axes;
  axes.x.to = std::max(memory.end, memory.points.back().seconds);
  if (!(axes.x.to > 0)) axes.x.to = 1;
  axes.y = scale_around({planned * 1.04}, false);
  const bool capacity = memory.capacity && *memory.capacity < kCapacityInSight * planned;
  if (capacity) axes.y = scale_around({planned, *memory.capacity * 1.02}, false);
  axes.x_label = "time in the step";
  axes.y_label = "bytes of device memory";
  axes.x_unit = "s";
  axes.y_unit = "B";
  axes = laid_out(axes);
  Svg svg("memory", axes.width, axes.height, figure.title,
          figure.sentence +
              " Stacked by what lies in device memory; every point is in the table "
              "below.");
  draw_axes(svg, axes);
  draw_areas(svg, memory, shown, axes);
  if (capacity) {
    const double y = axes.y.place(*memory.capacity);
    svg.line(axes.x.begin, y, axes.x.end, y, "limit");
    svg.text(axes.x.end - 4, y - 5, "capacity " + with_unit(*memory.capacity, "B"), "small halo",
             Anchor::kEnd);
  }
  if (!one) {
    const double x = axes.x.place(fullest->seconds), y = axes.y.place(most);
    svg.marker(0, x, y, 3.5, "span none");
    const bool right = x > (axes.x.begin + axes.x.end) / 2;
    svg.text(x + (right ? -8 : 8), y - 6, with_unit(most, "B"), "small strong halo",
             right ? Anchor::kEnd : Anchor::kStart);
  }
  figure.picture = svg.str();
  figure.table = memory_table(memory);
  figure.table_title = one ? "The figures" : "All points";
  return figure;
}

Figure losses_figure(const std::vector<double>& losses, std::int64_t first_step) {
  Figure figure;
  figure.id = "losses";
  figure.title = "Loss over the steps";
  const auto least = std::min_element(losses.begin(), losses.end());
  figure.sentence =
      fmt::format("From {:.4f} to {:.4f}; the least, {:.4f}, at step {}.", losses.front(),
                  losses.back(), *least, first_step + (least - losses.begin()));
  Axes axes;
  axes.height = 300;
  axes.x.from = static_cast<double>(first_step);
  axes.x.to = static_cast<double>(first_step) + static_cast<double>(losses.size()) - 1;
  axes.x.whole = true;
  const double most = *std::max_element(losses.begin(), losses.end());
  const double room = most > *least ? 0.1 * (most - *least) : 0.5;
  axes.y.from = *least - room;
  axes.y.to = most + room;
  axes.x_label = "step";
  axes.y_label = "loss";
  axes = laid_out(axes);
  Svg svg("losses", axes.width, axes.height, figure.title, figure.sentence);
  draw_axes(svg, axes);
  std::vector<std::pair<double, double>> points;
  figure.table.head = {"step", "loss"};
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double step = axes.x.from + static_cast<double>(i);
    points.emplace_back(axes.x.place(step), axes.y.place(losses[i]));
    figure.table.rows.push_back({fmt::format("{:.0f}", step), fmt::format("{:.6f}", losses[i])});
  }
  svg.polyline(points, "curve s0");
  if (points.size() <= 60)
    for (const auto& [x, y] : points) svg.marker(0, x, y, 3, "dot c0");
  figure.picture = svg.str();
  return figure;
}

}  // namespace corank
