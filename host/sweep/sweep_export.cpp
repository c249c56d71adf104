#include "host/sweep/sweep_export.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <functional>
#include <memory>
#include <set>
#include <variant>
#include <vector>

#include "models/base/error.h"

namespace corank {
namespace {

using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Column {
  std::string name;
  std::function<Cell(const SweepRow&)> cell;
};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// "time_ns", "j_per_token_j_per_token" without its second half.
std::string named_with_unit(Objective objective) {
  const auto i = static_cast<std::size_t>(objective);
  const std::string name = kObjectiveNames.at(i);
  return is_named_by_unit(objective) ? name : name + "_" + lower(kObjectiveUnits.at(i));
}

void add_by_objective(const SweepTable& table, const std::string& prefix,
                      std::vector<double> SweepRow::*member, std::vector<Column>& columns) {
  for (std::size_t i = 0; i < table.objectives.size(); ++i)
    columns.push_back(
        {prefix + named_with_unit(table.objectives[i]), [i, member](const SweepRow& row) {
           const std::vector<double>& values = row.*member;
           return i < values.size() ? Cell(values[i]) : Cell();
         }});
}

// `table` outlives the columns.
std::vector<Column> columns_of(const SweepTable& table) {
  std::vector<Column> columns = {
      {"design", [](const SweepRow& row) { return Cell(static_cast<std::int64_t>(row.design)); }}};
  for (std::size_t i = 0; i < table.axes.size(); ++i)
    columns.push_back({table.axes[i].path, [&axis = table.axes[i], i](const SweepRow& row) {
                         return Cell(axis.values.at(row.values.at(i)));
                       }});
  columns.push_back(
      {"status", [](const SweepRow& row) {
         return Cell(std::string(kDesignStatusNames.at(static_cast<std::size_t>(row.status))));
       }});
  columns.push_back({"reason", [](const SweepRow& row) { return Cell(row.reason); }});
  columns.push_back({"on_front", [](const SweepRow& row) {
                       return Cell(static_cast<std::int64_t>(row.on_front));
                     }});
  add_by_objective(table, "", &SweepRow::objectives, columns);
  add_by_objective(table, "bound_", &SweepRow::bounds, columns);
  columns.push_back({"bound_by", [](const SweepRow& row) { return Cell(row.bound_by); }});
  std::set<std::string> taken, figures;
  for (const Column& column : columns) taken.insert(column.name);
  for (const SweepRow& row : table.rows)
    for (const auto& [name, value] : row.figures)
      if (taken.count(name) == 0) figures.insert(name);
  for (const std::string& name : figures)
    columns.push_back({name, [name](const SweepRow& row) {
                         const auto value = row.figures.find(name);
                         return value == row.figures.end() ? Cell() : Cell(value->second);
                       }});
  columns.push_back({"run_line", [](const SweepRow& row) { return Cell(row.run_line); }});
  return columns;
}

// ---- CSV ----

// RFC 4180.
std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + "\"";
}

std::string csv_field(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return csv_text(*text);
  if (const auto* number = std::get_if<double>(&cell)) return fmt::format("{}", *number);
  if (const auto* count = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *count);
  return "";
}

// ---- SQLite ----

class Database {
 public:
  explicit Database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) refuse();
    execute("PRAGMA journal_mode=OFF");  // the whole file is new
    execute("PRAGMA synchronous=OFF");
    execute("BEGIN");
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) refuse();
  }

  /// A table of these columns, filled with the rows that `next` gives until it gives none.
  void fill(const std::string& name, const std::vector<std::string>& columns,
            const std::function<std::vector<Cell>(std::size_t)>& row, std::size_t rows) {
    std::string list, places;
    for (const std::string& column : columns) {
      list += (list.empty() ? "" : ", ") + quoted(column);
      places += places.empty() ? "?" : ", ?";
    }
    execute("CREATE TABLE " + quoted(name) + " (" + list + ")");
    sqlite3_stmt* insert = nullptr;
    const std::string sql = "INSERT INTO " + quoted(name) + " VALUES (" + places + ")";
    if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &insert, nullptr) != SQLITE_OK) refuse();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(insert, sqlite3_finalize);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::vector<Cell> cells = row(i);
      for (std::size_t c = 0; c < cells.size(); ++c)
        bind(insert, static_cast<int>(c) + 1, cells[c]);
      if (sqlite3_step(insert) != SQLITE_DONE) refuse();
      sqlite3_reset(insert);
    }
  }

 private:
  static std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
    return text + "\"";
  }
  static void bind(sqlite3_stmt* insert, int place, const Cell& cell) {
    if (const auto* text = std::get_if<std::string>(&cell))
      sqlite3_bind_text(insert, place, text->data(), static_cast<int>(text->size()),
                        SQLITE_TRANSIENT);
    else if (const auto* number = std::get_if<double>(&cell))
      sqlite3_bind_double(insert, place, *number);
    else if (const auto* count = std::get_if<std::int64_t>(&cell))
      sqlite3_bind_int64(insert, place, *count);
    else
      sqlite3_bind_null(insert, place);
  }
  [[noreturn]] void refuse() const {
    throw MachineError(std::string("the SQLite database cannot be written: ") +
                       sqlite3_errmsg(handle_));
  }

  sqlite3* handle_ = nullptr;
};

Cell count_cell(std::size_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

std::string to_csv(const SweepTable& table) {
  const std::vector<Column> columns = columns_of(table);
  std::string text;
  for (const Column& column : columns) text += (text.empty() ? "" : ",") + csv_text(column.name);
  text += '\n';
  for (const SweepRow& row : table.rows)
    for (std::size_t c = 0; c < columns.size(); ++c)
      text += csv_field(columns[c].cell(row)) + (c + 1 < columns.size() ? ',' : '\n');
  return text;
}

void write_sqlite(OutputFile& file, const SweepTable& table) {
  {
    Database database(file.temporary());
    const std::vector<Column> columns = columns_of(table);
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (const Column& column : columns) names.push_back(column.name);
    database.fill(
        "designs", names,
        [&](std::size_t i) {
          std::vector<Cell> cells;
          cells.reserve(columns.size());
          for (const Column& column : columns) cells.push_back(column.cell(table.rows[i]));
          return cells;
        },
        table.rows.size());
    auto reason = table.infeasible.begin();
    database.fill(
        "infeasible", {"reason", "designs"},
        [&](std::size_t) {
          const auto& [text, count] = *reason++;
          return std::vector<Cell>{text, count_cell(count)};
        },
        table.infeasible.size());
    database.fill(
        "progress", {"runs", "hypervolume", "pruned", "open"},
        [&](std::size_t i) {
          const SweepProgress& after = table.progress[i];
          return std::vector<Cell>{count_cell(after.runs), after.hypervolume, after.pruned,
                                   after.open};
        },
        table.progress.size());
    const std::vector<std::vector<Cell>> of_all = {
        {std::string("name"), table.name},
        {std::string("designs"), count_cell(table.designs)},
        {std::string("rows_left_out"), count_cell(table.rows_left_out)},
        {std::string("violations"), count_cell(table.violations)},
        {std::string("proved"), count_cell(table.proved ? 1 : 0)},
        {std::string("tolerance"), table.tolerance},
        {std::string("fpga"), table.fpga.empty() ? Cell() : Cell(table.fpga)}};
    database.fill(
        "sweep", {"name", "value"}, [&](std::size_t i) { return of_all[i]; }, of_all.size());
    database.execute("COMMIT");
  }
  file.finish();
}

}  // namespace corank
