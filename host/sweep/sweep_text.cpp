#include "host/sweep/sweep_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "host/report/units.h"
#include "models/base/error.h"

namespace corank {
namespace {

// Longer fronts are in the export.
constexpr std::size_t kMostFrontRows = 40, kMostReasons = 8;
constexpr std::size_t kWidestReason = 100, kWidestCell = 40;

const char* objective_name(Objective objective) {
  return kObjectiveNames.at(static_cast<std::size_t>(objective));
}

std::string shortened(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

// What differs in the paths of axes: "array.rows", or as much of it as tells them apart.
std::string axis_heading(const SweepTable& table, std::size_t axis) {
  const std::string& path = table.axes[axis].path;
  for (std::size_t dot = path.rfind('.'); dot != std::string::npos && dot > 0;
       dot = path.rfind('.', dot - 1)) {
    const std::string tail = path.substr(dot);
    const auto ends_so = [&](const SweepAxis& other) {
      return other.path.size() > tail.size() &&
             other.path.compare(other.path.size() - tail.size(), tail.size(), tail) == 0;
    };
    if (std::count_if(table.axes.begin(), table.axes.end(), ends_so) == 1) return tail.substr(1);
  }
  return path;
}

/// Columns as wide as their widest cell; numbers to the right.
std::string aligned(const std::vector<std::vector<std::string>>& lines,
                    const std::vector<bool>& to_the_right) {
  std::vector<std::size_t> widths(to_the_right.size());
  for (const auto& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  std::string text;
  for (const auto& line : lines) {
    std::string row = " ";
    for (std::size_t c = 0; c < line.size(); ++c)
      row += to_the_right[c] ? fmt::format(" {:>{}} ", line[c], widths[c])
                             : fmt::format(" {:<{}} ", line[c], widths[c]);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string front_text(const SweepTable& table, const std::vector<const SweepRow*>& front) {
  std::vector<std::vector<std::string>> lines(1);
  std::vector<bool> right;
  const auto add_column = [&](const std::string& name, bool to_the_right) {
    lines[0].push_back(name);
    right.push_back(to_the_right);
  };
  add_column("design", true);
  for (std::size_t i = 0; i < table.axes.size(); ++i)
    add_column(axis_heading(table, i), table.axes[i].numeric);
  for (const Objective objective : table.objectives) add_column(objective_name(objective), true);
  add_column("bound by", false);
  for (std::size_t i = 0; i < std::min(front.size(), kMostFrontRows); ++i) {
    const SweepRow& row = *front[i];
    std::vector<std::string>& line = lines.emplace_back();
    line.push_back(std::to_string(row.design));
    for (std::size_t axis = 0; axis < table.axes.size(); ++axis)
      line.push_back(shortened(table.axes[axis].values.at(row.values.at(axis)), kWidestCell));
    for (std::size_t o = 0; o < table.objectives.size(); ++o)
      line.push_back(objective_text(table.objectives[o], row.objectives.at(o)));
    line.push_back(bound_kind(row.bound_by));
  }
  std::string text = aligned(lines, right);
  if (front.size() > kMostFrontRows)
    text += fmt::format("  ... and {} more: corank sweep export {} --csv FILE\n",
                        front.size() - kMostFrontRows, table.directory);
  return text;
}

using StatusCounts = std::array<std::size_t, kDesignStatusNames.size()>;

StatusCounts counts_of(const SweepTable& table) {
  StatusCounts counts{};
  for (const SweepRow& row : table.rows) ++counts.at(static_cast<std::size_t>(row.status));
  counts[static_cast<std::size_t>(DesignStatus::kInfeasible)] = 0;
  for (const auto& [reason, count] : table.infeasible)
    counts[static_cast<std::size_t>(DesignStatus::kInfeasible)] += count;
  return counts;
}

std::string infeasible_text(const SweepTable& table) {
  std::vector<std::pair<std::size_t, std::string>> reasons;
  for (const auto& [reason, count] : table.infeasible) reasons.emplace_back(count, reason);
  std::sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostReasons); ++i)
    text += fmt::format("    {:>8}  {}\n", reasons[i].first,
                        shortened(reasons[i].second, kWidestReason));
  if (reasons.size() > kMostReasons)
    text += fmt::format("    and {} more reasons\n", reasons.size() - kMostReasons);
  return text;
}

std::string failed_text(const SweepTable& table) {
  std::string text;
  for (const SweepRow& row : table.rows)
    if (row.status == DesignStatus::kFailed)
      text += fmt::format("    design {}: {}\n", row.design, shortened(row.reason, kWidestReason));
  return text;
}

std::string proof_text(const SweepTable& table) {
  if (table.violations > 0)
    return fmt::format("WRONG: {} of the bounds were above an exact run\n", table.violations);
  if (table.proved && table.tolerance > 0)
    return fmt::format(
        "proved: no design is better than one of these by more than {:g} % in all "
        "objectives\n",
        100 * table.tolerance);
  if (table.proved) return "proved: nothing is missing from this front\n";
  if (table.progress.empty()) return "not proved: no round of runs has come to its end\n";
  return fmt::format("not proved: {:.3g} % of the designs are open\n",
                     100 * table.progress.back().open);
}

}  // namespace

std::string objective_text(Objective objective, double value) {
  switch (objective) {
    case Objective::kTime:
      return with_unit(value * 1e-9, "s");
    case Objective::kEnergy:
      return with_unit(value * 1e-12, "J");
    case Objective::kArea:
      return fmt::format("{:.4g} mm2", value);
    case Objective::kDeviceMemory:
      return with_unit(value, "B");
    case Objective::kJoulesPerToken:
      return with_unit(value, "J/token");
    case Objective::kCostOfAStep:
      return fmt::format("${:.4g}", value);
    case Objective::kLuts:
    case Objective::kFlipFlops:
    case Objective::kBlockRams:
    case Objective::kMultipliers:
      return fmt::format("{:.0f} {}", value, kObjectiveUnits[static_cast<std::size_t>(objective)]);
    case Objective::kFpgaShare:
      return fmt::format("{:.1f} %", 100 * value);
  }
  return "";  // not reached: every objective stands above
}

std::string to_text(const SweepTable& table, bool commands) {
  const std::vector<const SweepRow*> front = front_rows(table);
  const StatusCounts counts = counts_of(table);
  std::string text =
      fmt::format("{}: {} designs on the front of {}\n", table.name, front.size(), table.designs);
  if (!front.empty()) text += front_text(table, front);
  const auto count_of = [&](DesignStatus status) {
    return counts.at(static_cast<std::size_t>(status));
  };
  const double pruned = table.progress.empty() ? 0 : table.progress.back().pruned;
  text += fmt::format("  {} run, {:.3g} % pruned by a proof, {} infeasible, {} failed\n",
                      count_of(DesignStatus::kDone), 100 * pruned,
                      count_of(DesignStatus::kInfeasible), count_of(DesignStatus::kFailed));
  text += infeasible_text(table) + failed_text(table) + "  " + proof_text(table);
  if (!table.fpga.empty()) text += "  " + table.fpga + "\n";
  if (!commands) return text;
  for (const SweepRow* row : front) text += fmt::format("{}\n", row->run_line);
  return text;
}

std::string compare_sweeps(const SweepTable& a, const SweepTable& b) {
  std::vector<std::pair<std::size_t, std::size_t>> shared;
  for (std::size_t i = 0; i < a.objectives.size(); ++i)
    for (std::size_t j = 0; j < b.objectives.size(); ++j)
      if (a.objectives[i] == b.objectives[j]) shared.emplace_back(i, j);
  if (shared.empty())
    throw InputError(
        fmt::format("{} and {} have no objective in common", a.directory, b.directory));
  const std::vector<const SweepRow*> front_a = front_rows(a), front_b = front_rows(b);
  const auto values_of = [&](const std::vector<const SweepRow*>& front, bool first) {
    std::vector<std::vector<double>> all;
    for (const SweepRow* row : front) {
      std::vector<double>& values = all.emplace_back();
      for (const auto& [i, j] : shared) values.push_back(row->objectives.at(first ? i : j));
    }
    return all;
  };
  const auto all_a = values_of(front_a, true), all_b = values_of(front_b, false);
  std::vector<std::vector<std::string>> lines = {{"best", a.directory, b.directory, "ratio"}};
  for (std::size_t k = 0; k < shared.size() && !all_a.empty() && !all_b.empty(); ++k) {
    const auto best = [&](const std::vector<std::vector<double>>& all) {
      double least = std::numeric_limits<double>::infinity();
      for (const auto& values : all) least = std::min(least, values[k]);
      return least;
    };
    const Objective objective = a.objectives[shared[k].first];
    lines.push_back({objective_name(objective), objective_text(objective, best(all_a)),
                     objective_text(objective, best(all_b)),
                     fmt::format("{:.4g}", best(all_b) / best(all_a))});
  }
  const auto beaten = [](const std::vector<std::vector<double>>& front,
                         const std::vector<std::vector<double>>& by) {
    return std::count_if(front.begin(), front.end(), [&](const std::vector<double>& values) {
      return std::any_of(by.begin(), by.end(), [&](const std::vector<double>& other) {
        for (std::size_t k = 0; k < values.size(); ++k)
          if (other[k] > values[k]) return false;
        return other != values;
      });
    });
  };
  return aligned(lines, {false, true, true, true}) +
         fmt::format("  {} of {} designs on the front of {} are beaten by {}\n",
                     beaten(all_a, all_b), all_a.size(), a.directory, b.directory) +
         fmt::format("  {} of {} designs on the front of {} are beaten by {}\n",
                     beaten(all_b, all_a), all_b.size(), b.directory, a.directory);
}

}  // namespace corank
