#include "host/pages/sweep_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "host/pages/pictures.h"
#include "host/pages/sweep_pictures.h"
#include "host/pages/texts.h"
#include "host/report/units.h"
#include "models/base/error.h"

namespace corank {
namespace {

using JsonColumn = nlohmann::ordered_json;

constexpr std::size_t kMostPoints = 20000, kMostFrontLines = 500, kMostReasonLines = 12;
constexpr const char* kSetting = " --set ";

struct ShownUnit {
  const char* unit;
  double scale;
};
ShownUnit unit_of(Objective objective) {
  switch (objective) {
    case Objective::kTime:
      return {"s", 1e-9};
    case Objective::kEnergy:
      return {"J", 1e-12};
    case Objective::kArea:
      return {"mm²", 1};
    case Objective::kDeviceMemory:
      return {"B", 1};
    case Objective::kJoulesPerToken:
      return {"J", 1};
    case Objective::kCostOfAStep:
      return {"USD", 1};
    case Objective::kLuts:
    case Objective::kFlipFlops:
    case Objective::kBlockRams:
    case Objective::kMultipliers:
    case Objective::kFpgaShare:
      return {"", 1};  // their names say it
  }
  return {"", 1};  // not reached: every objective stands above
}

std::string name_of_objective(Objective objective) {
  return kObjectiveNames[static_cast<std::size_t>(objective)];
}

// More digits cannot be seen, and make the page larger.
JsonColumn rounded_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr);
}

std::vector<const SweepRow*> shown_rows(const SweepTable& table, std::size_t most,
                                        std::size_t& left_out) {
  std::vector<const SweepRow*> rows;
  for (const SweepRow& row : table.rows)
    if (row.status != DesignStatus::kInfeasible && row.status != DesignStatus::kFailed)
      rows.push_back(&row);
  const auto rank = [](const SweepRow* row) {
    return row->on_front ? 0 : row->status == DesignStatus::kDone ? 1 : 2;
  };
  left_out = table.rows_left_out;
  if (rows.size() > most) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const SweepRow* a, const SweepRow* b) { return rank(a) < rank(b); });
    left_out += rows.size() - most;
    rows.resize(most);
  }
  return rows;
}

std::vector<std::string> parts_of_line(const std::string& line) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = line.find(kSetting); at != std::string::npos;
       at = line.find(kSetting, begin)) {
    parts.push_back(line.substr(begin, at - begin));
    begin = at + std::string(kSetting).size();
  }
  parts.push_back(line.substr(begin));
  return parts;
}

/// One part of all commands: the same everywhere, or what an axis says, or one of a list.
JsonColumn part_column(const std::vector<const SweepRow*>& rows,
                       const std::vector<std::vector<std::string>>& parts, std::size_t part,
                       const SweepTable& table) {
  const auto text = [&](std::size_t row) {
    return part < parts[row].size() ? parts[row][part] : std::string();
  };
  for (std::size_t axis = 0; axis < table.axes.size(); ++axis) {
    std::vector<std::string> texts(table.axes[axis].values.size());
    std::vector<bool> known(texts.size(), false);
    bool follows = true;
    for (std::size_t row = 0; row < rows.size() && follows; ++row) {
      const std::size_t value = rows[row]->values[axis];
      if (!known[value]) texts[value] = text(row);
      known[value] = true;
      follows = texts[value] == text(row);
    }
    if (!follows) continue;
    const bool same = std::all_of(texts.begin(), texts.end(),
                                  [&](const std::string& one) { return one == texts.front(); });
    if (same) return {{"text", texts.front()}};
    return {{"axis", axis}, {"texts", texts}};
  }
  std::map<std::string, std::size_t> places;
  std::vector<std::string> texts;
  JsonColumn of = JsonColumn::array();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto [place, is_new] = places.try_emplace(text(row), texts.size());
    if (is_new) texts.push_back(text(row));
    of.push_back(place->second);
  }
  return {{"texts", texts}, {"of", of}};
}

// Twenty thousand commands differ in few places.
JsonColumn command_columns(const std::vector<const SweepRow*>& rows, const SweepTable& table) {
  std::vector<std::vector<std::string>> parts;
  std::size_t most = 0;
  for (const SweepRow* row : rows) {
    parts.push_back(parts_of_line(row->run_line));
    most = std::max(most, parts.back().size());
  }
  JsonColumn columns = JsonColumn::array();
  for (std::size_t part = 0; part < most; ++part)
    columns.push_back(part_column(rows, parts, part, table));
  return columns;
}

using StatusCounts = std::array<std::size_t, kDesignStatusNames.size()>;

StatusCounts count_rows(const SweepTable& table) {
  StatusCounts counts{};
  for (const SweepRow& row : table.rows) ++counts[static_cast<std::size_t>(row.status)];
  std::size_t infeasible = 0;
  for (const auto& [reason, count] : table.infeasible) infeasible += count;
  counts[static_cast<std::size_t>(DesignStatus::kInfeasible)] =
      std::max(infeasible, counts[static_cast<std::size_t>(DesignStatus::kInfeasible)]);
  return counts;
}

std::size_t count_of(const StatusCounts& counts, DesignStatus status) {
  return counts[static_cast<std::size_t>(status)];
}

std::string spaced_name(Objective objective) {
  std::string name = name_of_objective(objective);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

Figure front_figure(const SweepTable& table) {
  const std::vector<const SweepRow*> front = front_rows(table);
  Figure figure;
  figure.id = "front";
  figure.title = "The front, design by design";
  figure.wide = true;
  figure.sentence = fmt::format(
      "{} designs that no other one which was run beats in every objective.", front.size());
  PageTable list;
  list.commands = true;
  list.head = {"design"};
  for (const SweepAxis& axis : table.axes) list.head.push_back(axis_label(axis));
  for (const Objective objective : table.objectives) list.head.push_back(spaced_name(objective));
  list.head.insert(list.head.end(), {"bound by", "command that repeats it"});
  for (std::size_t i = 0; i < std::min(front.size(), kMostFrontLines); ++i) {
    const SweepRow& row = *front[i];
    std::vector<std::string> line = {std::to_string(row.design)};
    for (std::size_t axis = 0; axis < table.axes.size(); ++axis)
      line.push_back(table.axes[axis].values[row.values[axis]]);
    for (std::size_t o = 0; o < table.objectives.size(); ++o)
      line.push_back(objective_on_page(table.objectives[o], row.objectives[o]));
    line.push_back(bound_kind(row.bound_by));
    line.push_back(row.run_line);
    list.rows.push_back(line);
  }
  figure.picture = "<div id=\"front-table\">" + to_html(list) + "</div>\n";
  if (front.size() > kMostFrontLines)
    figure.notes.push_back(fmt::format("The first {} of {}; corank sweep export has all of them.",
                                       kMostFrontLines, front.size()));
  return figure;
}

Figure pareto_figure(const SweepTable& table, const SweepTable* other, std::size_t left_out) {
  Figure figure;
  figure.id = "pareto";
  figure.title = "All designs, and the front";
  figure.wide = true;
  figure.sentence =
      "Each disc is a design that was run exactly, ringed on the front; faint points are the lower "
      "bounds of designs that need no run, or wait for one. The line: what no run beats in the two "
      "figures that are shown.";
  if (other != nullptr)
    figure.sentence += fmt::format(" Squares and the dashed line: {}.", other->name);
  figure.picture =
      "<div id=\"pareto\" class=\"stage\"></div>\n<noscript>This picture needs JavaScript; the "
      "table of the front does not.</noscript>\n";
  figure.notes = {
      "Drag to choose designs, which the pictures and the table below follow; click one "
      "for its command. Keys: arrows along the line, Enter, Escape."};
  if (left_out > 0)
    figure.notes.push_back(
        fmt::format("{} designs are not drawn; those of the front are.", left_out));
  if (!table.fpga.empty()) figure.notes.push_back("FPGA: " + table.fpga);
  return figure;
}

Figure parallel_figure() {
  Figure figure;
  figure.id = "parallel";
  figure.title = "What designs of the front have in common";
  figure.wide = true;
  figure.sentence =
      "A line a design, over the axes of the sweep and its objectives; of those chosen above, else "
      "of the front.";
  figure.picture =
      "<div id=\"parallel\" class=\"stage\"></div>\n<noscript>This picture needs JavaScript; the "
      "table of the front does not.</noscript>\n";
  figure.notes = {
      "Drag along a coordinate to keep a part of it. Keys: left and right choose a "
      "coordinate, up and down narrow it, Escape."};
  return figure;
}

std::optional<Figure> reasons_figure(const SweepTable& table) {
  if (table.infeasible.empty()) return std::nullopt;
  std::vector<std::pair<std::string, std::size_t>> reasons(table.infeasible.begin(),
                                                           table.infeasible.end());
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Figure figure;
  figure.id = "reasons";
  figure.title = "Why designs fell out";
  std::size_t all = 0;
  for (const auto& [reason, count] : reasons) all += count;
  figure.sentence = fmt::format("{} designs are none that could be built or run.", all);
  figure.table.head = {"reason", "designs"};
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostReasonLines); ++i)
    figure.table.rows.push_back({reasons[i].first, std::to_string(reasons[i].second)});
  figure.table_title = "Reasons";
  return figure;
}

void add_sweep_cards(const SweepTable& table, const StatusCounts& counts, Page& page) {
  const std::vector<const SweepRow*> front = front_rows(table);
  const std::size_t runs =
      count_of(counts, DesignStatus::kDone) + count_of(counts, DesignStatus::kFailed);
  page.cards.push_back(
      {fmt::format("{}", table.designs), "designs",
       fmt::format("{} infeasible, {} failed", count_of(counts, DesignStatus::kInfeasible),
                   count_of(counts, DesignStatus::kFailed)),
       count_of(counts, DesignStatus::kFailed) > 0});
  page.cards.push_back(
      {fmt::format("{}", runs), "exact runs",
       fmt::format("{} of the designs",
                   percent_text(table.designs > 0
                                    ? static_cast<double>(runs) / static_cast<double>(table.designs)
                                    : 0))});
  page.cards.push_back({fmt::format("{}", front.size()), "designs on the front", ""});
  for (std::size_t o = 0; o < table.objectives.size() && !front.empty(); ++o) {
    const SweepRow* best = *std::min_element(
        front.begin(), front.end(),
        [&](const SweepRow* a, const SweepRow* b) { return a->objectives[o] < b->objectives[o]; });
    page.cards.push_back({objective_on_page(table.objectives[o], best->objectives[o]),
                          "the least " + spaced_name(table.objectives[o]),
                          fmt::format("design {}", best->design)});
  }
}

void check_table(const SweepTable& table) {
  const std::string where = table.directory.empty() ? table.name : table.directory;
  if (table.objectives.empty())
    throw InputError(where + ": expected a sweep with an objective, found none");
}

void check_comparable(const SweepTable& table, const SweepTable& other) {
  for (const Objective objective : table.objectives)
    if (std::find(other.objectives.begin(), other.objectives.end(), objective) ==
        other.objectives.end())
      throw InputError(fmt::format(
          "{}: expected a sweep with the objectives of {}, found none of "
          "'{}' in it",
          other.directory.empty() ? other.name : other.directory,
          table.directory.empty() ? table.name : table.directory, name_of_objective(objective)));
}

/// The objectives of the first sweep alone, in its order.
SweepTable with_objectives_of(const SweepTable& table, SweepTable other) {
  std::vector<std::size_t> order;
  for (const Objective objective : table.objectives)
    order.push_back(static_cast<std::size_t>(
        std::find(other.objectives.begin(), other.objectives.end(), objective) -
        other.objectives.begin()));
  for (SweepRow& row : other.rows)
    for (std::vector<double> SweepRow::*member : {&SweepRow::bounds, &SweepRow::objectives}) {
      if ((row.*member).empty()) continue;
      std::vector<double> ordered;
      ordered.reserve(order.size());
      for (const std::size_t place : order) ordered.push_back((row.*member)[place]);
      row.*member = ordered;
    }
  other.objectives = table.objectives;
  return other;
}

}  // namespace

nlohmann::ordered_json sweep_data(const SweepTable& table, std::size_t most_rows,
                                  std::size_t& left_out) {
  const std::vector<const SweepRow*> rows = shown_rows(table, most_rows, left_out);
  JsonColumn data;
  data["name"] = table.name;
  data["objectives"] = JsonColumn::array();
  for (const Objective objective : table.objectives)
    data["objectives"].push_back({{"name", name_of_objective(objective)},
                                  {"unit", unit_of(objective).unit},
                                  {"scale", unit_of(objective).scale}});
  data["axes"] = JsonColumn::array();
  for (const SweepAxis& axis : table.axes)
    data["axes"].push_back(
        {{"path", axis.path}, {"values", axis.values}, {"numeric", axis.numeric}});
  const auto column = [&](const auto& of) {
    JsonColumn cells = JsonColumn::array();
    for (const SweepRow* row : rows) cells.push_back(of(*row));
    return cells;
  };
  data["design"] = column([](const SweepRow& row) { return row.design; });
  data["status"] = column([](const SweepRow& row) { return static_cast<int>(row.status); });
  data["front"] = column([](const SweepRow& row) { return row.on_front ? 1 : 0; });
  data["values"] = JsonColumn::array();
  for (std::size_t axis = 0; axis < table.axes.size(); ++axis)
    data["values"].push_back(column([&](const SweepRow& row) { return row.values.at(axis); }));
  data["figures"] = JsonColumn::array();
  for (std::size_t o = 0; o < table.objectives.size(); ++o)
    data["figures"].push_back(column([&](const SweepRow& row) -> JsonColumn {
      const bool done = row.status == DesignStatus::kDone;
      const std::vector<double>& values = done ? row.objectives : row.bounds;
      return o < values.size() ? rounded_number(values[o]) : JsonColumn(nullptr);
    }));
  std::vector<std::string> kinds;
  data["boundBy"] = column([&](const SweepRow& row) {
    if (row.bound_by.empty()) return -1;
    const std::string kind = bound_kind(row.bound_by);
    const auto found = std::find(kinds.begin(), kinds.end(), kind);
    if (found != kinds.end()) return static_cast<int>(found - kinds.begin());
    kinds.push_back(kind);
    return static_cast<int>(kinds.size()) - 1;
  });
  data["boundNames"] = kinds;
  data["lines"] = command_columns(rows, table);
  return data;
}

Page sweep_page(const SweepTable& table, const SweepTable* other) {
  check_table(table);
  if (other != nullptr) {
    check_table(*other);
    check_comparable(table, *other);
  }
  Page page;
  page.title = table.name.empty() ? "Sweep" : table.name;
  page.question = "Which hardware should I build?";
  std::string axes;
  for (const SweepAxis& axis : table.axes)
    axes += fmt::format("{}{} ({})", axes.empty() ? "" : ", ", axis.path, axis.values.size());
  std::string objectives;
  for (const Objective objective : table.objectives)
    objectives += (objectives.empty() ? "" : ", ") + spaced_name(objective);
  page.subtitle = fmt::format("Least {} over {}", objectives, axes);
  if (other != nullptr) page.subtitle += "; compared with " + other->name;
  const StatusCounts counts = count_rows(table);
  page.good = table.proved && table.violations == 0;
  if (table.violations > 0)
    page.verdict =
        fmt::format("{} runs are below their lower bounds: nothing is proved", table.violations);
  else if (table.proved && table.tolerance > 0)
    page.verdict = fmt::format("Proved within {}: no design that was not run is better by more",
                               percent_text(table.tolerance));
  else if (table.proved)
    page.verdict = "Proved: this is the whole front; no design that was not run belongs to it";
  else
    page.verdict = fmt::format(
        "Not proved yet: {} of the designs are open",
        table.progress.empty() ? std::string("some") : percent_text(table.progress.back().open));
  add_sweep_cards(table, counts, page);
  page.data = JsonColumn::object();
  std::size_t left_out = 0, other_left_out = 0;
  (*page.data)["sweep"] = sweep_data(table, kMostPoints, left_out);
  if (other != nullptr)
    (*page.data)["other"] =
        sweep_data(with_objectives_of(table, *other), kMostPoints, other_left_out);
  page.scripts = {kParetoScript, kParallelScript};
  page.figures.push_back(pareto_figure(table, other, left_out));
  page.figures.push_back(parallel_figure());
  page.figures.push_back(front_figure(table));
  if (const auto middle = middle_of_front(table))
    for (auto& figure : {tornado_figure(table, *middle), heat_map_figure(table, *middle)})
      if (figure) page.figures.push_back(*figure);
  for (auto& figure : {ski_slope_figure(table), progress_figure(table), errors_figure(table),
                       reasons_figure(table)})
    if (figure) page.figures.push_back(*figure);
  return page;
}

}  // namespace corank
