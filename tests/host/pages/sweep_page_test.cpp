// The page of a sweep of eight designs, two axes and two objectives, by hand.
#include "host/pages/sweep_page.h"

#include <catch2/catch.hpp>

#include "host/pages/sweep_pictures.h"
#include "host/sweep/sweep_table_json.h"
#include "host/sweep/sweep_text.h"
#include "models/base/error.h"

using namespace corank;
using Catch::Matchers::Contains;

namespace {

/// Rows 4 and 8 (time 100 and 50 us), bandwidth 1, 2 (half the time again); area 1 and 3 mm2, and a
/// tenth more for the bandwidth. The last design was pruned.
SweepTable small_table() {
  SweepTable table;
  table.name = "small";
  table.axes = {{"accelerator.array.rows", {"4", "8"}, true},
                {"memory.bandwidth_gb_per_s", {"1", "2"}, true}};
  table.objectives = {Objective::kTime, Objective::kArea};
  const double times[2][2] = {{100e3, 80e3}, {50e3, 25e3}}, areas[2][2] = {{1, 1.1}, {3, 3.3}};
  for (std::size_t rows = 0; rows < 2; ++rows)
    for (std::size_t bandwidth = 0; bandwidth < 2; ++bandwidth) {
      SweepRow row;
      row.design = 2 * rows + bandwidth;
      row.values = {rows, bandwidth};
      row.status = DesignStatus::kDone;
      row.bounds = {0.8 * times[rows][bandwidth], areas[rows][bandwidth]};
      row.objectives = {times[rows][bandwidth], areas[rows][bandwidth]};
      row.figures = {{"step_ns", row.objectives[0]}, {"estimate_ns", 1.1 * row.objectives[0]}};
      row.bound_by = bandwidth == 0 ? "memory, busy in 90 %" : "compute (the array), busy in 95 %";
      row.on_front = true;
      row.run_line =
          "corank run 'a b.yaml' --set accelerator.array.rows=" + table.axes[0].values[rows] +
          " --set memory.bandwidth_gb_per_s=" + table.axes[1].values[bandwidth];
      table.rows.push_back(row);
    }
  table.designs = 4;
  table.proved = true;
  return table;
}

const Figure& figure_named(const Page& page, const std::string& id) {
  for (const Figure& figure : page.figures)
    if (figure.id == id) return figure;
  FAIL("no figure " << id);
  return page.figures.front();
}

}  // namespace

TEST_CASE("the design in the middle of the front has the least product of its figures") {
  // Over the least of each, 25 us and 1 mm2: 4 x 1, 3.2 x 1.1, 2 x 3, 1 x 3.3.
  CHECK(middle_of_front(small_table()) == std::optional<std::size_t>(3));
  SweepTable none = small_table();
  for (SweepRow& row : none.rows) row.on_front = false;
  CHECK_FALSE(middle_of_front(none));
}

TEST_CASE("the tornado compares a design with the neighbours that differ in one axis") {
  const auto figure = tornado_figure(small_table(), 3);
  REQUIRE(figure);
  // Rows 8 -> 4: 25 -> 80 us, 3.3 -> 1.1 mm2; bandwidth 2 -> 1: 25 -> 50 us, 3.3 -> 3 mm2.
  REQUIRE(figure->table.rows.size() == 2);
  CHECK(figure->table.rows[0] == std::vector<std::string>{"accelerator.array.rows", "+0 % at 8",
                                                          "+220 % at 4", "-67 % at 4",
                                                          "+0 % at 8"});
  CHECK(figure->table.rows[1][2] == "+100 % at 1");
}

TEST_CASE("a neighbour that was not run is shown by its bound, and hatched") {
  SweepTable table = small_table();
  table.rows[1].status = DesignStatus::kPruned;
  table.rows[1].objectives.clear();
  table.rows[1].on_front = false;
  const auto figure = tornado_figure(table, 3);
  REQUIRE(figure);
  CHECK(figure->table.rows[0][2] == "+156 % at 4 (bound)");  // 64 us of 25
  CHECK_THAT(figure->picture, Contains("url(#tornado-hatch)"));
  const auto map = heat_map_figure(table, 3);
  REQUIRE(map);
  CHECK_THAT(map->picture, Contains("at least 64 us"));
}

TEST_CASE("the error of estimates and bounds is told by what bounds the run") {
  const auto figure = errors_figure(small_table());
  REQUIRE(figure);
  CHECK(figure->sentence ==
        "The estimate of time is off by 10.0 % (median) and 10.0 % (95th "
        "percentile); bounds violated: 0.");
  REQUIRE(figure->table.rows.size() == 4);
  CHECK(figure->table.rows[0] == std::vector<std::string>{"compute (the array): estimate", "2",
                                                          "+10.00 %", "+10.00 %", "+10.00 %",
                                                          "+10.00 %", "+10.00 %"});
  CHECK(figure->table.rows[1][4] == "-20.00 %");
}

TEST_CASE("the page of a sweep tells whether the front is proved") {
  SweepTable table = small_table();
  CHECK(sweep_page(table).verdict ==
        "Proved: this is the whole front; no design that was not run belongs to it");
  table.tolerance = 0.05;
  CHECK_THAT(sweep_page(table).verdict, Contains("Proved within 5.0 %"));
  table.proved = false;
  CHECK_FALSE(sweep_page(table).good);
  table.violations = 1;
  CHECK_THAT(sweep_page(table).verdict, Contains("nothing is proved"));
  CHECK_THAT(figure_named(sweep_page(table), "front").picture,
             Contains("corank run &#39;a b.yaml&#39; --set accelerator.array.rows=4 --set "));
}

TEST_CASE("what is common to all commands, or follows an axis, is in the page's data once") {
  std::size_t left_out = 0;
  const auto data = sweep_data(small_table(), 100, left_out);
  CHECK(left_out == 0);
  CHECK(data["lines"] == nlohmann::ordered_json::parse(
                             R"([{"text": "corank run 'a b.yaml'"},
                {"axis": 0, "texts": ["accelerator.array.rows=4", "accelerator.array.rows=8"]},
                {"axis": 1, "texts": ["memory.bandwidth_gb_per_s=1", "memory.bandwidth_gb_per_s=2"]}])"));
  CHECK(data["figures"][0] == nlohmann::ordered_json({100e3, 80e3, 50e3, 25e3}));
}

TEST_CASE("what a machine takes of an FPGA is shown with its unit and its source") {
  SweepTable table = small_table();
  table.objectives[1] = Objective::kFpgaShare;
  table.fpga = "XC7K325T: modelled";
  const Page page = sweep_page(table);
  CHECK(figure_named(page, "pareto").notes.back() == "FPGA: XC7K325T: modelled");
  CHECK_THAT(figure_named(page, "front").picture, Contains("110.0 %"));
  CHECK(sweep_table_of(to_json(table)).fpga == table.fpga);
  CHECK(sweep_table_of(to_json(small_table())).fpga.empty());
  CHECK_THAT(to_text(table, false), Contains("110.0 %") && Contains("  XC7K325T: modelled\n"));
}

TEST_CASE("a table whose run lacks an objective is refused when it is read") {
  nlohmann::ordered_json broken = to_json(small_table());
  for (auto& cells : broken["rows"]["objectives"]) cells[1] = nullptr;
  CHECK_THROWS_WITH(
      sweep_table_of(broken),
      Contains("design ") && Contains("expected a value for each axis and objective"));
}

TEST_CASE("of too many designs those that were run are drawn") {
  SweepTable table = small_table();
  table.rows[0].status = DesignStatus::kPruned;
  table.rows[0].objectives.clear();
  table.rows[0].on_front = false;
  std::size_t left_out = 0;
  const auto data = sweep_data(table, 3, left_out);
  CHECK(left_out == 1);
  CHECK(data["design"] == nlohmann::ordered_json({1, 2, 3}));
}

TEST_CASE("sweeps with other objectives are not compared, and broken tables are refused") {
  const SweepTable table = small_table();
  SweepTable other = table;
  other.name = "other";
  other.objectives[1] = Objective::kEnergy;
  CHECK_THROWS_WITH(sweep_page(table, &other),
                    Contains("other: expected a sweep with the "
                             "objectives of small, found none of 'area'"));
  other = table;
  std::swap(other.objectives[0], other.objectives[1]);
  for (SweepRow& row : other.rows) {
    std::swap(row.objectives[0], row.objectives[1]);
    std::swap(row.bounds[0], row.bounds[1]);
  }
  const Page page = sweep_page(table, &other);  // the same in another order
  REQUIRE(page.data);
  CHECK((*page.data)["other"]["figures"] == (*page.data)["sweep"]["figures"]);
}
