#include "host/sweep/sweep_table_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "models/base/error.h"

namespace corank {
namespace {

using nlohmann::ordered_json;

const char* name_of(Objective objective) {
  return kObjectiveNames.at(static_cast<std::size_t>(objective));
}

template <class Names>
std::size_t place_in(const Names& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw InputError("a sweep's table: nothing is called '" + name + "'");
  return static_cast<std::size_t>(found - names.begin());
}

/// A column of what each row has of it; null where it has nothing.
template <class Of>
ordered_json column(const SweepTable& table, const Of& of) {
  ordered_json::array_t cells;
  cells.reserve(table.rows.size());
  for (const SweepRow& row : table.rows) cells.push_back(of(row));
  return cells;
}

ordered_json by_objective(const SweepTable& table, std::vector<double> SweepRow::*member) {
  ordered_json columns = ordered_json::object();
  for (std::size_t i = 0; i < table.objectives.size(); ++i)
    columns[name_of(table.objectives[i])] = column(table, [&](const SweepRow& row) {
      const std::vector<double>& values = row.*member;
      return i < values.size() ? ordered_json(values[i]) : ordered_json();
    });
  return columns;
}

ordered_json rows_of(const SweepTable& table) {
  ordered_json rows;
  rows["design"] = column(table, [](const SweepRow& row) { return row.design; });
  rows["values"] = ordered_json::object();
  for (std::size_t i = 0; i < table.axes.size(); ++i)
    rows["values"][table.axes[i].path] = column(
        table, [&](const SweepRow& row) { return table.axes[i].values.at(row.values.at(i)); });
  rows["status"] = column(table, [](const SweepRow& row) {
    return kDesignStatusNames.at(static_cast<std::size_t>(row.status));
  });
  rows["reason"] = column(table, [](const SweepRow& row) { return row.reason; });
  rows["bounds"] = by_objective(table, &SweepRow::bounds);
  rows["objectives"] = by_objective(table, &SweepRow::objectives);
  std::set<std::string> figures;
  for (const SweepRow& row : table.rows)
    for (const auto& [name, value] : row.figures) figures.insert(name);
  rows["figures"] = ordered_json::object();
  for (const std::string& name : figures)
    rows["figures"][name] = column(table, [&](const SweepRow& row) {
      const auto value = row.figures.find(name);
      return value == row.figures.end() ? ordered_json() : ordered_json(value->second);
    });
  rows["bound_by"] = column(table, [](const SweepRow& row) { return row.bound_by; });
  rows["on_front"] = column(table, [](const SweepRow& row) { return row.on_front; });
  rows["run_line"] = column(table, [](const SweepRow& row) { return row.run_line; });
  return rows;
}

void read_by_objective(const nlohmann::json& columns, SweepTable& table,
                       std::vector<double> SweepRow::*member) {
  for (const Objective objective : table.objectives) {
    const nlohmann::json& cells = columns.at(name_of(objective));
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      if (!cells.at(i).is_null()) (table.rows[i].*member).push_back(cells[i].get<double>());
  }
}

void read_values(const nlohmann::json& columns, SweepTable& table) {
  for (const SweepAxis& axis : table.axes) {
    std::unordered_map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < axis.values.size(); ++i) places[axis.values[i]] = i;
    const nlohmann::json& cells = columns.at(axis.path);
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      table.rows[i].values.push_back(places.at(cells.at(i).get_ref<const std::string&>()));
  }
}

void read_rows(const nlohmann::json& rows, SweepTable& table) {
  const nlohmann::json& designs = rows.at("design");
  table.rows.resize(designs.size());
  const nlohmann::json &status = rows.at("status"), &reason = rows.at("reason"),
                       &bound_by = rows.at("bound_by"), &on_front = rows.at("on_front"),
                       &run_line = rows.at("run_line");
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    SweepRow& row = table.rows[i];
    designs[i].get_to(row.design);
    row.status = static_cast<DesignStatus>(
        place_in(kDesignStatusNames, status.at(i).get_ref<const std::string&>()));
    reason.at(i).get_to(row.reason);
    bound_by.at(i).get_to(row.bound_by);
    on_front.at(i).get_to(row.on_front);
    run_line.at(i).get_to(row.run_line);
  }
  read_values(rows.at("values"), table);
  read_by_objective(rows.at("bounds"), table, &SweepRow::bounds);
  read_by_objective(rows.at("objectives"), table, &SweepRow::objectives);
  for (const auto& [name, cells] : rows.at("figures").items())
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      if (!cells.at(i).is_null()) table.rows[i].figures[name] = cells[i].get<double>();
}

void check_rows(const SweepTable& table) {
  for (const SweepRow& row : table.rows) {
    const bool run = row.status == DesignStatus::kDone;
    const bool right = row.values.size() == table.axes.size() && (!row.on_front || run) &&
                       (!run || row.objectives.size() == table.objectives.size()) &&
                       (row.bounds.empty() || row.bounds.size() == table.objectives.size());
    if (!right)
      throw InputError(
          fmt::format("a sweep's table: design {}: expected a value for each axis and objective, "
                      "found fewer",
                      row.design));
  }
}

}  // namespace

ordered_json to_json(const SweepTable& table) {
  ordered_json json;
  json["name"] = table.name;
  json["axes"] = ordered_json::array();
  for (const SweepAxis& axis : table.axes)
    json["axes"].push_back(
        {{"path", axis.path}, {"values", axis.values}, {"numeric", axis.numeric}});
  json["objectives"] = ordered_json::array();
  for (const Objective objective : table.objectives)
    json["objectives"].push_back(name_of(objective));
  json["designs"] = table.designs;
  json["rows_left_out"] = table.rows_left_out;
  json["infeasible"] = table.infeasible;
  json["violations"] = table.violations;
  json["proved"] = table.proved;
  json["tolerance"] = table.tolerance;
  if (!table.fpga.empty()) json["fpga"] = table.fpga;
  json["progress"] = ordered_json::array();
  for (const SweepProgress& after : table.progress)
    json["progress"].push_back({{"runs", after.runs},
                                {"hypervolume", after.hypervolume},
                                {"pruned", after.pruned},
                                {"open", after.open}});
  json["rows"] = rows_of(table);
  return json;
}

SweepTable sweep_table_of(const nlohmann::json& json) {
  SweepTable table;
  try {
    json.at("name").get_to(table.name);
    for (const nlohmann::json& one : json.at("axes")) {
      SweepAxis& axis = table.axes.emplace_back();
      one.at("path").get_to(axis.path);
      one.at("values").get_to(axis.values);
      one.at("numeric").get_to(axis.numeric);
    }
    for (const nlohmann::json& name : json.at("objectives"))
      table.objectives.push_back(
          static_cast<Objective>(place_in(kObjectiveNames, name.get<std::string>())));
    json.at("designs").get_to(table.designs);
    json.at("rows_left_out").get_to(table.rows_left_out);
    json.at("infeasible").get_to(table.infeasible);
    json.at("violations").get_to(table.violations);
    json.at("proved").get_to(table.proved);
    json.at("tolerance").get_to(table.tolerance);
    table.fpga = json.value("fpga", "");
    for (const nlohmann::json& one : json.at("progress")) {
      SweepProgress& after = table.progress.emplace_back();
      one.at("runs").get_to(after.runs);
      one.at("hypervolume").get_to(after.hypervolume);
      one.at("pruned").get_to(after.pruned);
      one.at("open").get_to(after.open);
    }
    read_rows(json.at("rows"), table);
    check_rows(table);
  } catch (const nlohmann::json::exception&) {
    throw InputError("a sweep's table: expected what corank sweep export --json writes");
  } catch (const std::out_of_range&) {
    throw InputError("a sweep's table: a row has a value that is none of its axis");
  }
  return table;
}

}  // namespace corank
