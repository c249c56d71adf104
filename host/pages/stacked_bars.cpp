// Bars that are made up of parts: cycles by what they went to, energy by part.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/pages/axes.h"
#include "host/pages/pictures.h"
#include "host/report/units.h"

namespace corank {
namespace {

constexpr double kBarHeight = 26, kBarGap = 12;

double sum_of_bar(const StackedBar& bar) {
  return std::accumulate(bar.amounts.begin(), bar.amounts.end(), 0.0);
}

double longest_name(const std::vector<StackedBar>& bars) {
  double width = 0;
  for (const StackedBar& bar : bars) width = std::max(width, text_width(bar.name));
  return width;
}

// White is not read on these.
bool is_light(const std::string& style) {
  return style.find("c1") != std::string::npos || style.find("c4") != std::string::npos ||
         style.find("c6") != std::string::npos || style.find("c7") != std::string::npos ||
         style.find("c3") != std::string::npos;
}

std::string amount_text(const StackedBars& bars, double amount) {
  if (bars.prefixes) return with_unit(amount * bars.scale, bars.unit.c_str());
  return fmt::format("{:.3g} {}", amount * bars.scale, bars.unit);
}

// Of parts that are nowhere there is nothing to say.
std::vector<LegendEntry> parts_there(const StackedBars& bars) {
  std::vector<LegendEntry> there;
  for (std::size_t i = 0; i < bars.parts.size(); ++i)
    if (std::any_of(bars.bars.begin(), bars.bars.end(),
                    [&](const StackedBar& bar) { return bar.amounts[i] > 0; }))
      there.push_back(bars.parts[i]);
  return there;
}

PageTable bars_table(const StackedBars& bars) {
  PageTable table;
  table.head = {""};
  for (const LegendEntry& part : bars.parts) table.head.push_back(part.name);
  table.head.push_back("all");
  for (const StackedBar& bar : bars.bars) {
    const double sum = sum_of_bar(bar);
    std::vector<std::string> row = {bar.name};
    for (const double amount : bar.amounts)
      row.push_back(fmt::format("{} ({})", amount_text(bars, amount),
                                percent_text(sum > 0 ? amount / sum : 0)));
    row.push_back(amount_text(bars, sum));
    table.rows.push_back(row);
  }
  return table;
}

void draw_scale(Svg& svg, const StackedBars& bars, const AxisScale& scale, double top,
                double floor) {
  for (const double value : scale.ticks(6)) {
    const double x = scale.place(value);
    svg.line(x, top, x, floor, "grid");
    svg.text(
        x, floor + 16,
        bars.shares ? fmt::format("{:.0f} %", 100 * value) : amount_text(bars, value / bars.scale),
        "tick", Anchor::kMiddle);
  }
}

}  // namespace

std::string percent_text(double share) {
  if (share == 0) return "0 %";
  if (std::abs(share) < 0.001) return "< 0.1 %";
  return fmt::format("{:.1f} %", 100 * share);
}

Figure stacked_bars_figure(const StackedBars& bars) {
  Figure figure;
  figure.id = bars.id;
  figure.title = bars.title;
  figure.sentence = bars.sentence;
  figure.legend = parts_there(bars);
  figure.table = bars_table(bars);
  const double left = std::min(200.0, 22 + longest_name(bars.bars)), width = kFigureWidth, top = 6;
  const double floor = top + static_cast<double>(bars.bars.size()) * (kBarHeight + kBarGap);
  Svg svg(bars.id, width, floor + 26, bars.title,
          bars.sentence + " Every figure is in the table below.");
  double most = 0;
  for (const StackedBar& bar : bars.bars) most = std::max(most, sum_of_bar(bar));
  AxisScale scale;
  scale.to = bars.shares ? 1 : most * bars.scale * 1.02;
  if (!(scale.to > 0)) scale.to = 1;
  scale.begin = left;
  scale.end = width - (bars.shares ? 22 : 92);
  draw_scale(svg, bars, scale, top, floor);
  double y = top + kBarGap / 2;
  for (const StackedBar& bar : bars.bars) {
    const double sum = sum_of_bar(bar);
    svg.text(left - 8, y + kBarHeight / 2 + 4, bar.name, "label", Anchor::kEnd);
    double before = 0;
    for (std::size_t i = 0; i < bar.amounts.size() && sum > 0; ++i) {
      const double amount = bar.amounts[i];
      if (!(amount > 0)) continue;
      const double unit = bars.shares ? 1 / sum : bars.scale;
      const double x1 = scale.place(before * unit), x2 = scale.place((before + amount) * unit);
      const std::string& style = bars.parts[i].style;
      svg.rectangle(x1, y, x2 - x1, kBarHeight, style,
                    fmt::format("{}, {}: {} ({})", bar.name, bars.parts[i].name,
                                amount_text(bars, amount), percent_text(amount / sum)));
      if (x2 - x1 > 44 && (bars.shares || amount < 0.995 * sum))
        svg.text((x1 + x2) / 2, y + kBarHeight / 2 + 4, percent_text(amount / sum),
                 style == "none"   ? "small"
                 : is_light(style) ? "inside dark"
                                   : "inside",
                 Anchor::kMiddle);
      before += amount;
    }
    if (!bars.shares)
      svg.text(scale.place(sum * bars.scale) + 6, y + kBarHeight / 2 + 4, amount_text(bars, sum),
               "small halo");
    y += kBarHeight + kBarGap;
  }
  figure.picture = svg.str();
  return figure;
}

}  // namespace corank
