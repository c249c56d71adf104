#include "host/report/report.h"

#include <catch2/catch.hpp>

using namespace corank;
using Catch::Contains;

namespace {

RunReport small_report() {
  RunReport report;
  report.layers.push_back({4, 5, 6, false, {2.0, 2, false}, 1});
  report.comparisons.resize(2);
  report.comparisons[0].tensor = "y";
  report.comparisons[0].elements = 20;
  report.comparisons[1].tensor = "dx";
  report.comparisons[1].elements = 30;
  return report;
}

}  // namespace

TEST_CASE("a report is right if every comparison is equal and every counter as expected",
          "[report]") {
  RunReport report = small_report();
  CHECK(report.passed());
  CHECK(to_json(report)["right"] == true);
  CHECK_THAT(to_table(report), !Contains("MISMATCH"));

  report.comparisons[1].mismatches = 2;
  CHECK_FALSE(report.passed());

  report = small_report();
  report.counter_mismatches.push_back({"load_beats", 7, 8});
  CHECK_FALSE(report.passed());
  CHECK(to_json(report)["right"] == false);
}

TEST_CASE("a mismatch is shown with tensor, place and both values", "[report]") {
  RunReport report = small_report();
  report.comparisons[1].mismatches = 2;
  report.comparisons[1].first_mismatch = "[3, 5]: device 3f81, reference 3f80";
  report.counter_mismatches.push_back({"load_beats", 7, 8});
  CHECK_THAT(to_table(report), Contains("MISMATCH dx[3, 5]: device 3f81, reference 3f80\n") &&
                                   Contains("2 MISMATCHES") &&
                                   Contains("MISMATCH counter load_beats: device 7, by the "
                                            "commands 8\n"));
  const auto json = to_json(report);
  CHECK(json["comparisons"][1]["mismatches"] == 2);
  CHECK(json["comparisons"][1]["first_mismatch"] == "[3, 5]: device 3f81, reference 3f80");
  CHECK_FALSE(json["comparisons"][0].contains("first_mismatch"));
  CHECK(json["counter_mismatches"][0]["counter"] == "load_beats");
  CHECK(json["counter_mismatches"][0]["device"] == 7);
  CHECK(json["counter_mismatches"][0]["expected"] == 8);
}
