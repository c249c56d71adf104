// Energy by action, with the span of its sources.
#include <fmt/format.h>

#include <algorithm>

#include "host/pages/axes.h"
#include "host/pages/pictures.h"
#include "host/report/units.h"

namespace corank {
namespace {

constexpr std::size_t kMostBars = 12;
constexpr double kRow = 24, kThick = 15;

std::string energy_style(const EnergyBar& bar) {
  if (bar.part == "clock") return "c1";
  if (bar.part == "leakage") return "c3";
  if (bar.part == "standby") return "c4";
  return "c0";
}

std::string spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::vector<EnergyBar> by_energy(std::vector<EnergyBar> bars) {
  std::stable_sort(bars.begin(), bars.end(),
                   [](const EnergyBar& a, const EnergyBar& b) { return a.pj > b.pj; });
  return bars;
}

std::string joules(double pj) { return with_unit(pj * 1e-12, "J"); }

std::string energy_sentence(const EnergyBars& energy, const std::vector<EnergyBar>& bars) {
  if (bars.empty() || !(energy.pj > 0)) return "The energy table has no figure.";
  double assumed = 0;
  for (const EnergyBar& bar : bars)
    if (bar.quality == "assumed") assumed += bar.pj;
  return fmt::format("Most of {} goes to {} ({}); {} of it rests on assumed figures.",
                     joules(energy.pj), spaced(bars.front().action),
                     percent_text(bars.front().pj / energy.pj), percent_text(assumed / energy.pj));
}

}  // namespace

Figure energy_figure(const EnergyBars& energy) {
  const std::vector<EnergyBar> bars = by_energy(energy.bars);
  Figure figure;
  figure.id = "energy";
  figure.title = "Energy by action";
  figure.sentence = energy_sentence(energy, bars);
  figure.legend = {{"c0", "dynamic: what work takes"},
                   {"c1", "clock"},
                   {"c3", "leakage"},
                   {"c4", "standby"},
                   {"c7 assumed", "hatched: assumed"}};
  figure.table.head = {"action", "count", "pJ each", "energy", "share", "least", "most", "quality"};
  figure.sources.head = {"action", "quality", "span of pJ each", "source"};
  for (const EnergyBar& bar : bars) {
    figure.table.rows.push_back(
        {spaced(bar.action), with_unit(bar.count, ""), fmt::format("{:.4g}", bar.pj_each),
         joules(bar.pj), percent_text(energy.pj > 0 ? bar.pj / energy.pj : 0),
         joules(bar.count * bar.low_pj_each), joules(bar.count * bar.high_pj_each), bar.quality});
    figure.sources.rows.push_back(
        {spaced(bar.action), bar.quality,
         fmt::format("{:.4g} to {:.4g}, each {}", bar.low_pj_each, bar.high_pj_each, bar.unit),
         bar.source});
  }
  std::vector<EnergyBar> shown;
  double rest = 0;
  std::size_t rest_count = 0;
  for (const EnergyBar& bar : bars) {
    if (shown.size() < kMostBars && bar.pj >= 0.001 * energy.pj && bar.pj > 0) {
      shown.push_back(bar);
    } else if (bar.pj > 0) {
      rest += bar.pj;
      ++rest_count;
    }
  }
  double left = 60, most = 0;
  for (const EnergyBar& bar : shown) {
    left = std::max(left, 16 + text_width(spaced(bar.action)));
    most = std::max({most, bar.pj, bar.count * bar.high_pj_each});
  }
  const double width = kFigureWidth, top = 4;
  const double floor = top + static_cast<double>(std::max<std::size_t>(1, shown.size())) * kRow;
  Svg svg("energy", width, floor + 26, figure.title,
          figure.sentence +
              " Bars by action, the largest first, with lines from the least to the "
              "most that the sources give. Every figure is in the table below.");
  AxisScale scale = scale_around({most * 1e-12}, false);
  scale.begin = left;
  scale.end = width - 118;  // behind it there is room for the figures
  for (const double value : scale.ticks(6)) {
    svg.line(scale.place(value), top, scale.place(value), floor, "grid");
    svg.text(scale.place(value), floor + 16, with_unit(value, "J"), "tick", Anchor::kMiddle);
  }
  double y = top;
  for (const EnergyBar& bar : shown) {
    const double middle = y + kRow / 2, length = scale.place(bar.pj * 1e-12) - left;
    svg.text(left - 8, middle + 4, spaced(bar.action), "label", Anchor::kEnd);
    svg.rectangle(left, middle - kThick / 2, length, kThick, energy_style(bar),
                  fmt::format("{}: {}, {}, {}", spaced(bar.action), joules(bar.pj),
                              percent_text(bar.pj / energy.pj), bar.quality));
    if (bar.quality == "assumed") svg.hatched(left, middle - kThick / 2, length, kThick);
    const double low = scale.place(bar.count * bar.low_pj_each * 1e-12);
    const double high = scale.place(bar.count * bar.high_pj_each * 1e-12);
    if (high - low > 1) {
      svg.line(low, middle, high, middle, "span");
      svg.line(low, middle - 4, low, middle + 4, "span");
      svg.line(high, middle - 4, high, middle + 4, "span");
    }
    const std::string label =
        fmt::format("{}, {}", joules(bar.pj), percent_text(bar.pj / energy.pj));
    const double end = std::max(left + length, high - low > 1 ? high : 0) + 6;
    svg.text(end, middle + 4, label, "small halo");
    y += kRow;
  }
  figure.picture = svg.str();
  figure.notes.push_back(fmt::format(
      "Sum: {}, {} to {} if all sources are at their least or at their most. Table: {}.",
      joules(energy.pj), joules(energy.low_pj), joules(energy.high_pj), energy.table));
  if (rest_count > 0)
    figure.notes.push_back(fmt::format("{} smaller actions, {} in all, are in the table alone.",
                                       rest_count, percent_text(rest / energy.pj)));
  return figure;
}

}  // namespace corank
