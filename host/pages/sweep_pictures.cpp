#include "host/pages/sweep_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "host/pages/axes.h"
#include "host/pages/pictures.h"
#include "host/report/units.h"
#include "host/sweep/sweep_text.h"

namespace corank {
namespace {

std::string objective_label(Objective objective) {
  std::string name = kObjectiveNames[static_cast<std::size_t>(objective)];
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// A file is known by its name.
std::string value_label(const SweepAxis& axis, std::size_t value) {
  const std::string& text = axis.values[value];
  return text.substr(text.rfind('/') + 1);
}

/// An objective of a row: exact, or what it is at least.
struct Known {
  double value = 0;
  bool exact = false;
};

std::optional<Known> known_of(const SweepRow& row, std::size_t objective) {
  if (row.status == DesignStatus::kDone && objective < row.objectives.size())
    return Known{row.objectives[objective], true};
  const bool bounded = row.status == DesignStatus::kOpen || row.status == DesignStatus::kPruned;
  if (bounded && objective < row.bounds.size()) return Known{row.bounds[objective], false};
  return std::nullopt;
}

/// Rows by their places in the axes.
class Grid {
 public:
  explicit Grid(const SweepTable& table) : table_(table) {
    for (std::size_t i = 0; i < table.rows.size(); ++i) places_[table.rows[i].values] = i;
  }
  const SweepRow* at(const std::vector<std::size_t>& values) const {
    const auto found = places_.find(values);
    return found == places_.end() ? nullptr : &table_.rows[found->second];
  }

 private:
  const SweepTable& table_;
  std::map<std::vector<std::size_t>, std::size_t> places_;
};

/// Of one objective, what changing one axis alone makes of it, as shares of what it is.
struct Swing {
  std::size_t axis = 0;
  double low = 0, high = 0;
  std::size_t low_value = 0, high_value = 0;
  bool low_exact = true, high_exact = true, known = false;
  double width() const { return high - low; }
};

Swing swing_of(const SweepTable& table, const Grid& grid, const SweepRow& middle, std::size_t axis,
               std::size_t objective) {
  Swing swing;
  swing.axis = axis;
  swing.low_value = swing.high_value = middle.values[axis];
  std::vector<std::size_t> values = middle.values;
  for (values[axis] = 0; values[axis] < table.axes[axis].values.size(); ++values[axis]) {
    if (values[axis] == middle.values[axis]) continue;
    const SweepRow* row = grid.at(values);
    const auto known = row == nullptr ? std::nullopt : known_of(*row, objective);
    if (!known || !(middle.objectives[objective] > 0)) continue;
    swing.known = true;
    const double change = known->value / middle.objectives[objective] - 1;
    if (change < swing.low) {
      swing.low = change;
      swing.low_value = values[axis];
      swing.low_exact = known->exact;
    }
    if (change > swing.high) {
      swing.high = change;
      swing.high_value = values[axis];
      swing.high_exact = known->exact;
    }
  }
  return swing;
}

// By how much the first objective swings, the widest first; axes of which no neighbour is known are
// not there.
std::vector<Swing> swings_of(const SweepTable& table, const Grid& grid, const SweepRow& middle) {
  std::vector<Swing> swings;
  for (std::size_t axis = 0; axis < table.axes.size(); ++axis) {
    const Swing swing = swing_of(table, grid, middle, axis, 0);
    if (swing.known) swings.push_back(swing);
  }
  std::stable_sort(swings.begin(), swings.end(),
                   [](const Swing& a, const Swing& b) { return a.width() > b.width(); });
  return swings;
}

std::string change_text(double change) { return fmt::format("{:+.0f} %", 100 * change); }

std::string settings_text(const SweepTable& table, const SweepRow& row) {
  std::string text;
  for (std::size_t axis = 0; axis < table.axes.size(); ++axis)
    text += fmt::format("{}{} {}", axis == 0 ? "" : ", ", axis_label(table.axes[axis]),
                        value_label(table.axes[axis], row.values[axis]));
  return text;
}

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

std::optional<double> figure_of(const SweepRow& row, const std::string& name) {
  const auto found = row.figures.find(name);
  if (found == row.figures.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::string axis_label(const SweepAxis& axis) {
  const std::size_t dot = axis.path.rfind('.', axis.path.rfind('.') - 1);
  return axis.path.rfind('.') == std::string::npos || dot == std::string::npos
             ? axis.path
             : axis.path.substr(dot + 1);
}

std::string objective_on_page(Objective objective, double value) {
  // A page has the sign that a terminal may lack.
  return objective == Objective::kArea ? fmt::format("{:.4g} mm²", value)
                                       : objective_text(objective, value);
}

std::optional<std::size_t> middle_of_front(const SweepTable& table) {
  std::vector<double> least(table.objectives.size(), INFINITY);
  for (const SweepRow& row : table.rows)
    if (row.on_front)
      for (std::size_t i = 0; i < row.objectives.size(); ++i)
        least[i] = std::min(least[i], row.objectives[i]);
  std::optional<std::size_t> best;
  double best_product = INFINITY;
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const SweepRow& row = table.rows[r];
    if (!row.on_front) continue;
    double product = 1;
    for (std::size_t i = 0; i < row.objectives.size(); ++i)
      product *= least[i] > 0 ? row.objectives[i] / least[i] : 1;
    if (product < best_product) {
      best_product = product;
      best = r;
    }
  }
  return best;
}

std::optional<Figure> tornado_figure(const SweepTable& table, std::size_t row) {
  const SweepRow& middle = table.rows.at(row);
  const Grid grid(table);
  const std::vector<Swing> order = swings_of(table, grid, middle);
  if (order.empty()) return std::nullopt;
  const std::size_t panels = std::min<std::size_t>(3, table.objectives.size());
  Figure figure;
  figure.id = "tornado";
  figure.title = "Sensitivity: one axis changed at a time";
  figure.sentence =
      fmt::format("Around design {} ({}), {} moves {} the most: from {} to {}.", middle.design,
                  settings_text(table, middle), axis_label(table.axes[order.front().axis]),
                  objective_label(table.objectives.front()), change_text(order.front().low),
                  change_text(order.front().high));
  figure.legend = {{"c2", "less"}, {"c5", "more"}, {"c7 assumed", "hatched: a bound, not run"}};
  figure.table.head = {"axis"};
  double names = 60;
  for (const Swing& swing : order)
    names = std::max(names, 14 + text_width(axis_label(table.axes[swing.axis])));
  names = std::min(names, 190.0);
  const double width = kFigureWidth, row_height = 30, top = 22;
  const double floor = top + row_height * static_cast<double>(order.size());
  const double panel = (width - names - 8) / static_cast<double>(panels);
  Svg svg("tornado", width, floor + 8, figure.title,
          figure.sentence + " A bar an axis and objective; every figure is in the table below.");
  std::vector<std::vector<std::string>> rows;
  for (const Swing& swing : order) {
    const double y = top + row_height * static_cast<double>(rows.size());
    svg.text(names - 6, y + row_height / 2 + 4, axis_label(table.axes[swing.axis]), "label",
             Anchor::kEnd);
    rows.push_back({table.axes[swing.axis].path});
  }
  for (std::size_t objective = 0; objective < panels; ++objective) {
    const double left = names + panel * static_cast<double>(objective);
    double low = -0.05, high = 0.05;
    std::vector<Swing> swings;
    for (const Swing& one : order) {
      swings.push_back(swing_of(table, grid, middle, one.axis, objective));
      low = std::min(low, swings.back().low);
      high = std::max(high, std::min(swings.back().high, 4.0));
    }
    AxisScale scale;
    scale.from = low;
    scale.to = high;
    scale.begin = left + 40;
    scale.end = left + panel - 44;
    svg.text(scale.place(0), 12, objective_label(table.objectives[objective]), "label strong",
             Anchor::kMiddle);
    svg.line(scale.place(0), top - 4, scale.place(0), floor, "axis");
    figure.table.head.push_back(objective_label(table.objectives[objective]) + ", least");
    figure.table.head.push_back(objective_label(table.objectives[objective]) + ", most");
    for (std::size_t i = 0; i < swings.size(); ++i) {
      const Swing& swing = swings[i];
      const SweepAxis& axis = table.axes[swing.axis];
      const double y = top + row_height * static_cast<double>(i) + 6, thick = row_height - 12;
      const double zero = scale.place(0), x1 = scale.place(swing.low),
                   x2 = scale.place(std::min(swing.high, high));
      const auto tip = [&](double change, std::size_t value, bool exact) {
        return fmt::format("{} = {}: {}{}", axis.path, axis.values[value], change_text(change),
                           exact ? "" : " at least");
      };
      if (swing.low < 0) {
        svg.rectangle(x1, y, zero - x1, thick, "c2",
                      tip(swing.low, swing.low_value, swing.low_exact));
        if (!swing.low_exact) svg.hatched(x1, y, zero - x1, thick);
        svg.text(x1 - 3, y + thick / 2 + 4, change_text(swing.low), "small", Anchor::kEnd);
      }
      if (swing.high > 0) {
        svg.rectangle(zero, y, x2 - zero, thick, "c5",
                      tip(swing.high, swing.high_value, swing.high_exact));
        if (!swing.high_exact) svg.hatched(zero, y, x2 - zero, thick);
        svg.text(x2 + 3, y + thick / 2 + 4, change_text(swing.high), "small");
      }
      const auto cell = [&](double change, std::size_t value, bool exact) {
        return fmt::format("{} at {}{}", change_text(change), value_label(axis, value),
                           exact ? "" : " (bound)");
      };
      rows[i].push_back(cell(swing.low, swing.low_value, swing.low_exact));
      rows[i].push_back(cell(swing.high, swing.high_value, swing.high_exact));
    }
  }
  figure.table.rows = rows;
  figure.picture = svg.str();
  figure.notes = {
      "Only neighbours that the sweep has: all other axes as they are in that design. "
      "The command that repeats it is in the table of the front."};
  return figure;
}

std::optional<Figure> heat_map_figure(const SweepTable& table, std::size_t row) {
  const SweepRow& middle = table.rows.at(row);
  const Grid grid(table);
  const std::vector<Swing> order = swings_of(table, grid, middle);
  if (order.size() < 2) return std::nullopt;
  const std::size_t a = order[0].axis, b = order[1].axis;
  const SweepAxis &across = table.axes[a], &down = table.axes[b];
  const Objective objective = table.objectives.front();
  Figure figure;
  figure.id = "heat-map";
  figure.title = fmt::format("{} over {} and {}", objective_label(objective), axis_label(across),
                             axis_label(down));
  figure.title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(figure.title[0])));
  struct Cell {
    std::optional<Known> known;
    std::string reason;
  };
  std::vector<std::vector<Cell>> cells(down.values.size());
  double low = INFINITY, high = 0;
  std::vector<std::size_t> values = middle.values;
  for (std::size_t j = 0; j < down.values.size(); ++j)
    for (std::size_t i = 0; i < across.values.size(); ++i) {
      values[a] = i;
      values[b] = j;
      const SweepRow* one = grid.at(values);
      Cell cell;
      if (one != nullptr) {
        cell.known = known_of(*one, 0);
        cell.reason = one->reason;
      }
      if (cell.known && cell.known->value > 0) {
        low = std::min(low, cell.known->value);
        high = std::max(high, cell.known->value);
      }
      cells[j].push_back(cell);
    }
  if (!(low <= high)) return std::nullopt;
  figure.sentence = fmt::format("From {} to {}; all other axes as in design {}.",
                                objective_on_page(objective, low),
                                objective_on_page(objective, high), middle.design);
  double left = 60;
  for (std::size_t j = 0; j < down.values.size(); ++j)
    left = std::max(left, 14 + text_width(value_label(down, j)));
  left =
      std::min(200.0, std::max(left, 14 + text_width(down.path.substr(down.path.rfind('.') + 1))));
  const double width = kFigureWidth, top = 8,
               cell_width = (width - left - 10) / static_cast<double>(across.values.size()),
               cell_height =
                   std::clamp(260.0 / static_cast<double>(down.values.size()), 22.0, 44.0);
  const double floor = top + cell_height * static_cast<double>(down.values.size());
  Svg svg("heat-map", width, floor + 44, figure.title,
          figure.sentence + " Every figure is in the table below.");
  figure.table.head = {axis_label(down) + " \\ " + axis_label(across)};
  for (std::size_t i = 0; i < across.values.size(); ++i)
    figure.table.head.push_back(value_label(across, i));
  for (std::size_t j = 0; j < down.values.size(); ++j) {
    const double y = top + cell_height * static_cast<double>(j);
    svg.text(left - 6, y + cell_height / 2 + 4, value_label(down, j), "tick", Anchor::kEnd);
    std::vector<std::string> line = {value_label(down, j)};
    for (std::size_t i = 0; i < across.values.size(); ++i) {
      const Cell& cell = cells[j][i];
      const double x = left + cell_width * static_cast<double>(i);
      if (!cell.known) {
        svg.rectangle(x + 1, y + 1, cell_width - 2, cell_height - 2, "none",
                      cell.reason.empty() ? "not known" : cell.reason);
        svg.text(x + cell_width / 2, y + cell_height / 2 + 4, cell.reason.empty() ? "" : "×",
                 "small", Anchor::kMiddle);
        line.push_back(cell.reason.empty() ? "-" : "infeasible");
        continue;
      }
      const double share =
          high > low ? std::log(cell.known->value / low) / std::log(high / low) : 0;
      const int shade = std::clamp(static_cast<int>(share * 9), 0, 8);
      const std::string text = objective_on_page(objective, cell.known->value);
      svg.rectangle(x + 1, y + 1, cell_width - 2, cell_height - 2, fmt::format("h{}", shade),
                    fmt::format("{} = {}, {} = {}: {}{}", across.path, across.values[i], down.path,
                                down.values[j], cell.known->exact ? "" : "at least ", text));
      if (!cell.known->exact) svg.hatched(x + 1, y + 1, cell_width - 2, cell_height - 2);
      const bool here = i == middle.values[a] && j == middle.values[b];
      const bool fits = text_width(text, 11) < cell_width - 4;
      if (fits)
        svg.text(x + cell_width / 2, y + cell_height / 2 + 4, text,
                 !cell.known->exact ? "small halo"
                 : shade > 4        ? "inside dark"
                                    : "inside",
                 Anchor::kMiddle);
      if (here) {
        svg.polyline({{x + 2, y + 2},
                      {x + cell_width - 2, y + 2},
                      {x + cell_width - 2, y + cell_height - 2},
                      {x + 2, y + cell_height - 2},
                      {x + 2, y + 2}},
                     "roof");
      }
      line.push_back((cell.known->exact ? "" : "≥ ") + text);
    }
    figure.table.rows.push_back(line);
  }
  for (std::size_t i = 0; i < across.values.size(); ++i) {
    const std::string label = value_label(across, i);
    if (text_width(label) < cell_width || across.values.size() < 6)
      svg.text(left + cell_width * (static_cast<double>(i) + 0.5), floor + 16, label, "tick",
               Anchor::kMiddle);
  }
  svg.text(left + (width - left) / 2, floor + 36, axis_label(across), "label", Anchor::kMiddle);
  svg.text(left - 6, floor + 16, down.path.substr(down.path.rfind('.') + 1), "label", Anchor::kEnd);
  figure.picture = svg.str();
  figure.notes = {
      "Framed: the design itself. Hatched: a lower bound of a design that was not run. "
      "×: infeasible."};
  return figure;
}

std::optional<Figure> ski_slope_figure(const SweepTable& table) {
  struct Point {
    double local, bytes;
    bool front;
    std::size_t design;
  };
  std::vector<Point> points;
  std::vector<double> xs, ys;
  double floor_bytes = 0;
  for (const SweepRow& row : table.rows) {
    const auto local = figure_of(row, "local_bytes"), bytes = figure_of(row, "memory_bytes");
    if (!local || !bytes || !(*local > 0) || !(*bytes > 0)) continue;
    points.push_back({*local, *bytes, row.on_front, row.design});
    xs.push_back(*local);
    ys.push_back(*bytes);
    if (const auto least = figure_of(row, "compulsory_bytes")) floor_bytes = *least;
  }
  if (points.size() < 2) return std::nullopt;
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    return a.local < b.local || (a.local == b.local && a.bytes < b.bytes);
  });
  Figure figure;
  figure.id = "ski-slope";
  figure.title = "Does more local memory save traffic?";
  const auto least = *std::min_element(ys.begin(), ys.end());
  const auto most = *std::max_element(ys.begin(), ys.end());
  figure.sentence =
      fmt::format("Designs move from {} to {} of device memory a step ({:.3g} times).",
                  with_unit(least, "B"), with_unit(most, "B"), most / least);
  figure.legend = {{"c5", "on the front", 3}, {"c7", "not on it", 0}};
  if (floor_bytes > 0) ys.push_back(floor_bytes);
  Axes axes;
  axes.x = scale_around(xs, true);
  axes.y = scale_around(ys, true);
  axes.x_label = "local memory: scratchpad and accumulators";
  axes.y_label = "bytes moved a step";
  axes.x_unit = axes.y_unit = "B";
  axes = laid_out(axes);
  Svg svg("ski-slope", axes.width, axes.height, figure.title,
          figure.sentence + " The least of each size of local memory is in the table below.");
  draw_axes(svg, axes);
  if (floor_bytes > 0) {
    const double y = axes.y.place(floor_bytes);
    svg.line(axes.x.begin, y, axes.x.end, y, "limit");
    svg.text(axes.x.end - 4, y - 5, "least that any program moves", "small halo", Anchor::kEnd);
  }
  std::vector<std::pair<double, double>> slope;
  figure.table.head = {"local memory", "least bytes moved", "design"};
  double best = INFINITY;
  for (const Point& point : points) {
    if (point.bytes >= best) continue;
    if (!slope.empty()) slope.emplace_back(axes.x.place(point.local), slope.back().second);
    best = point.bytes;
    slope.emplace_back(axes.x.place(point.local), axes.y.place(point.bytes));
    figure.table.rows.push_back(
        {with_unit(point.local, "B"), with_unit(point.bytes, "B"), std::to_string(point.design)});
  }
  slope.emplace_back(axes.x.end, slope.back().second);
  // Points in one place are one.
  std::map<std::pair<std::string, std::string>, bool> drawn;
  for (const bool front : {false, true})
    for (const Point& point : points) {
      if (point.front != front) continue;
      const double x = axes.x.place(point.local), y = axes.y.place(point.bytes);
      if (!drawn.try_emplace({svg_number(std::round(x)), svg_number(std::round(y))}, front)
               .second &&
          !front)
        continue;
      svg.marker(front ? 3 : 0, x, y, front ? 4 : 2.5, front ? "dot c5" : "faint c7");
    }
  svg.polyline(slope, "curve s0");
  figure.picture = svg.str();
  figure.notes = {"The line: the least that a design of so much local memory, or less, moved."};
  return figure;
}

std::optional<Figure> progress_figure(const SweepTable& table) {
  if (table.progress.size() < 2) return std::nullopt;
  Figure figure;
  figure.id = "progress";
  figure.title = "Progress: how soon was the front there?";
  const SweepProgress& last = table.progress.back();
  std::size_t enough = last.runs;
  for (const SweepProgress& after : table.progress)
    if (after.hypervolume >= 0.99) {
      enough = after.runs;
      break;
    }
  figure.sentence = fmt::format(
      "99 % of the hypervolume after {} of {} exact runs; {} of the designs were pruned by proof, "
      "{} are open.",
      enough, last.runs, percent_text(last.pruned), percent_text(last.open));
  figure.legend = {{"c0", "hypervolume of the front so far"}, {"c1", "pruned"}, {"c7", "open"}};
  Axes axes;
  axes.height = 300;
  axes.x.from = 0;
  axes.x.to = static_cast<double>(std::max<std::size_t>(1, last.runs));
  axes.x.whole = true;
  axes.y.to = 100;
  axes.x_label = "exact runs";
  axes.y_label = "share, %";
  axes = laid_out(axes);
  Svg svg("progress", axes.width, axes.height, figure.title,
          figure.sentence + " Every barrier is in the table below.");
  draw_axes(svg, axes);
  std::vector<std::pair<double, double>> volume, pruned, open;
  figure.table.head = {"exact runs", "hypervolume", "pruned", "open"};
  for (const SweepProgress& after : table.progress) {
    const double x = axes.x.place(static_cast<double>(after.runs));
    volume.emplace_back(x, axes.y.place(100 * after.hypervolume));
    pruned.emplace_back(x, axes.y.place(100 * after.pruned));
    open.emplace_back(x, axes.y.place(100 * after.open));
    figure.table.rows.push_back({std::to_string(after.runs),
                                 fmt::format("{:.2f} %", 100 * after.hypervolume),
                                 percent_text(after.pruned), percent_text(after.open)});
  }
  svg.polyline(open, "curve s7");
  svg.polyline(pruned, "curve s1");
  svg.polyline(volume, "curve s0");
  for (std::size_t i = 0; i < volume.size() && volume.size() <= 40; ++i) {
    svg.marker(0, volume[i].first, volume[i].second, 3, "dot c0");
    svg.marker(1, pruned[i].first, pruned[i].second, 3, "dot c1");
    svg.marker(2, open[i].first, open[i].second, 3, "dot c7");
  }
  figure.picture = svg.str();
  figure.notes = {"Hypervolume: the share of what the last front dominates, in logarithms."};
  return figure;
}

std::optional<Figure> errors_figure(const SweepTable& table) {
  const auto time = std::find(table.objectives.begin(), table.objectives.end(), Objective::kTime);
  const auto place = static_cast<std::size_t>(time - table.objectives.begin());
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> kinds;
  for (const SweepRow& row : table.rows) {
    if (row.status != DesignStatus::kDone) continue;
    const auto exact = figure_of(row, "step_ns"), estimate = figure_of(row, "estimate_ns");
    auto& [estimates, bounds] = kinds[bound_kind(row.bound_by)];
    if (exact && estimate && *exact > 0) estimates.push_back(*estimate / *exact - 1);
    if (time != table.objectives.end() && place < row.bounds.size() &&
        place < row.objectives.size() && row.objectives[place] > 0)
      bounds.push_back(row.bounds[place] / row.objectives[place] - 1);
  }
  struct Line {
    std::string name;
    std::vector<double> sorted;
    const char* style;
  };
  std::vector<Line> lines;
  double low = -0.05, high = 0.05;
  std::vector<double> all;
  for (auto& [kind, errors] : kinds)
    for (auto& [values, what, style] : {std::tuple<std::vector<double>&, const char*, const char*>{
                                            errors.first, "estimate", "c0"},
                                        {errors.second, "bound", "c1"}}) {
      if (values.empty()) continue;
      std::sort(values.begin(), values.end());
      lines.push_back({fmt::format("{}: {}", kind.empty() ? "all" : kind, what), values, style});
      low = std::min(low, values.front());
      high = std::max(high, values.back());
      if (std::string(what) == "estimate")
        for (const double value : values) all.push_back(std::abs(value));
    }
  if (lines.empty()) return std::nullopt;
  std::sort(all.begin(), all.end());
  Figure figure;
  figure.id = "errors";
  figure.title = "Trust: analytic time against exact runs";
  figure.sentence = fmt::format("Bounds violated: {}.", table.violations);
  if (!all.empty())
    figure.sentence = fmt::format(
        "The estimate of time is off by {} (median) and {} (95th percentile); bounds violated: {}.",
        percent_text(quantile(all, 0.5)), percent_text(quantile(all, 0.95)), table.violations);
  figure.legend = {{"c0", "estimate"}, {"c1", "lower bound"}};
  double names = 80;
  for (const Line& line : lines) names = std::max(names, 14 + text_width(line.name));
  const double width = kFigureWidth, row_height = 28, top = 8;
  names = std::min(names, 240.0);
  const double floor = top + row_height * static_cast<double>(lines.size());
  Svg svg("errors", width, floor + 44, figure.title,
          figure.sentence + " Every figure is in the table below.");
  AxisScale scale;
  scale.from = low * 1.05;
  scale.to = high * 1.05;
  scale.begin = names;
  scale.end = width - 24;
  for (const double value : scale.ticks(5)) {
    svg.line(scale.place(value), top, scale.place(value), floor, "grid");
    svg.text(scale.place(value), floor + 16, change_text(value), "tick", Anchor::kMiddle);
  }
  svg.line(scale.place(0), top, scale.place(0), floor, "axis");
  svg.text((names + width) / 2, floor + 36, "analytic time / exact time - 1", "label",
           Anchor::kMiddle);
  figure.table.head = {"bound by: what", "runs", "least", "5 %", "median", "95 %", "most"};
  double y = top + row_height / 2;
  for (const Line& line : lines) {
    const auto at = [&](double share) { return quantile(line.sorted, share); };
    svg.text(names - 6, y + 4, line.name, "small", Anchor::kEnd);
    svg.line(scale.place(at(0)), y, scale.place(at(1)), y, "span");
    svg.rectangle(scale.place(at(0.05)), y - 6,
                  std::max(1.5, scale.place(at(0.95)) - scale.place(at(0.05))), 12, line.style,
                  fmt::format("{}: median {:+.2f} %", line.name, 100 * at(0.5)));
    svg.line(scale.place(at(0.5)), y - 9, scale.place(at(0.5)), y + 9, "roof");
    std::vector<std::string> row = {line.name, std::to_string(line.sorted.size())};
    for (const double share : {0.0, 0.05, 0.5, 0.95, 1.0})
      row.push_back(fmt::format("{:+.2f} %", 100 * at(share)));
    figure.table.rows.push_back(row);
    y += row_height;
  }
  figure.picture = svg.str();
  figure.notes = {
      "Bars: from the 5th to the 95th percentile; lines: least and most; mark: median. A "
      "lower bound is never above 0."};
  return figure;
}

}  // namespace corank
